# shellcheck shell=bash
# Completion of `git sync` and `git-sync` for bash.
#
# git's own completion asks for the function _git_sync. bash-completion finds it by the name of this file, which
# has to be git-sync, in a folder of its completions. Without bash-completion: source it behind git's.

# What can be typed: its name, what it goes with, and what is to follow it. Options go with the words named, `*`
# is all of them; `=word` is the word itself as an option. In capitals stands what has no fixed values, behind a
# `=` what has to be joined by one, behind a `?` what may be left out. tests/completions.rs has the rows right.
__git_sync_rows=(
  'run||'
  'setup||URL DIR'
  'status||'
  'force-push||'
  'force-pull||'
  'mark||PATHS'
  'unmark||PATHS'
  'list||'
  'backup||list'
  'restore||BACKUP PATHS'
  'resolve||PATHS'
  'diff||PATHS'
  'log||'
  'prompt||zsh bash fish omz bira p10k starship tmux'
  'hooks||install status remove'
  'refresh||post-commit post-merge post-checkout post-rewrite'
  'doctor||'
  'machines||'
  'watch||'
  'schedule||install status remove'
  '--setup|=setup|'
  '--status|=status|'
  '--force-push|=force-push|'
  '--force-pull|=force-pull|'
  '--mark|=mark|'
  '--unmark|=unmark|'
  '--list-marked|=list|'
  '--backup-only|=backup|'
  '--resolve|=resolve|'
  '--diff|=diff|'
  '--log|=log|'
  '--generate|=generate|man bash zsh zsh-git fish fish-git prompt-zsh prompt-bash prompt-fish'
  '--restore|=restore|?BACKUP'
  '-C|*|DIR'
  '--dry-run|run setup status force-push force-pull mark unmark list restore resolve diff log doctor schedule|'
  '-n|run setup status force-push force-pull mark unmark list restore resolve diff log doctor schedule|'
  '--background|run refresh|'
  '--yes|run setup force-push force-pull mark restore|'
  '-y|run setup force-push force-pull mark restore|'
  '--remove|setup|'
  '--no-hooks|setup|'
  '--follow|mark|'
  '--allow-secret|mark|'
  '--repair|mark|'
  '--import|mark|stow homeshick yadm chezmoi mackup bare'
  '--copy|mark|'
  '--link|mark|'
  '--encrypt|mark|'
  '--add-recipient|mark|=RECIPIENT'
  '--rekey|mark|'
  '--machines|mark|LIST'
  '--profiles|mark|LIST'
  '--variant|mark unmark|WHO'
  '--profile|setup|NAME'
  '--ours|resolve|'
  '--theirs|resolve|'
  '--undo|resolve|'
  '--list|backup resolve|'
  '--keep|backup|BACKUP'
  '--release|backup|BACKUP'
  '--to|restore|DIR'
  '--exact|restore|'
  '--verify|backup|'
  '--max-count|log|COUNT'
  '--every|watch schedule|INTERVAL'
  '--delay|watch|TIME'
  '--watch|schedule|'
  '--cron|schedule|FIELDS'
  '--forget|machines|MACHINE'
  '--scheduler|schedule|systemd launchd cron'
  '--offline|run setup status resolve diff log doctor machines|'
  '--wait|run setup force-push force-pull mark unmark backup restore resolve hooks|=SECONDS'
  '--json|run setup status force-push force-pull mark unmark list backup restore resolve diff log hooks doctor machines watch schedule|'
  '--porcelain|status|=v1 1'
  '-z|status list resolve|'
  '--exit-code|status diff|'
  '--detailed-exitcode|run force-push force-pull|'
  '--quiet|*|'
  '-q|*|'
  '--verbose|*|'
  '-v|*|'
  '--color|*|=auto always never'
  '--help|*|'
  '-h|*|'
  '--version|run|'
  '-V|run|'
  '--diff|restore|'
)

# Sets goes_with and value to those of a name.
__git_sync_row() {
  local row
  for row in "${__git_sync_rows[@]}"; do
    if [[ ${row%%|*} == "$1" ]]; then
      row=${row#*|}
      goes_with=${row%%|*}
      value=${row#*|}
      return 0
    fi
  done
  goes_with=''
  value=''
  return 1
}

# Fills found with what git-sync knows of these kinds. Another program of its name gets nothing to see but them,
# and no input that could agree to anything.
__git_sync_ask() {
  local line
  found=()
  while IFS= read -r line; do
    found+=("${line%%$'\t'*}")
  done < <(
    exec </dev/null 2>/dev/null
    CDPATH=''
    for line in ${folders[@]+"${folders[@]}"}; do
      cd -- "$line" >/dev/null || exit
    done
    command git-sync --complete "$1"
  )
}

# Offers words: what is typed already before them, what is to stand behind them, and the words.
__git_sync_offer() {
  local before=$1 behind=$2 word shown part break_at
  shift 2
  for word in "$@"; do
    printf -v shown '%q' "$word"
    # A shell that sees the tilde makes it the home.
    if [[ $word == \~/* ]]; then
      printf -v part '%q' "${word#\~/}"
      shown=\~/${part#\'\'}
    fi
    shown=$before$shown
    if [[ $shown == "$cur"* ]]; then
      # readline replaces only what is behind its last break.
      for break_at in = : @; do
        if [[ $COMP_WORDBREAKS == *"$break_at"* && $cur == *"$break_at"* ]]; then
          part=${cur%"${cur##*"$break_at"}"}
          shown=${shown#"$part"}
          break
        fi
      done
      COMPREPLY+=("$shown$behind")
    fi
  done
}

# Leaves it to readline, which knows files.
__git_sync_files() {
  compopt -o default -o bashdefault +o nospace 2>/dev/null
}

__git_sync_folders() {
  compopt -o dirnames +o default +o bashdefault +o nospace 2>/dev/null
}

# Offers the values of an option, with what is typed before them.
__git_sync_values() {
  local before=$2 found
  case $1 in
  -C | --to)
    __git_sync_folders
    return
    ;;
  --keep | --release | --restore) __git_sync_ask backups ;;
  --forget) __git_sync_ask machines ;;
  --machines) __git_sync_ask types,machines ;;
  --variant) __git_sync_ask types,machines,profiles ;;
  --profile | --profiles) __git_sync_ask profiles ;;
  *)
    __git_sync_row "$1"
    value=${value#[=?]}
    # What stands in capitals is for people.
    [[ $value == *[[:upper:]]* ]] && value=''
    read -ra found <<<"$value"
    ;;
  esac
  case $1 in
  --machines | --profiles)
    # The last of a list.
    local typed=${cur#"$before"}
    [[ $typed == *,* ]] && before+=${typed%,*},
    ;;
  esac
  __git_sync_offer "$before" ' ' ${found[@]+"${found[@]}"}
}

# Offers the options that go with a mode, and before there is one, those that are modes.
__git_sync_options() {
  local row name plain=() joined=()
  for row in "${__git_sync_rows[@]}"; do
    [[ $row == -* ]] || continue
    name=${row%%|*}
    row=${row#*|}
    goes_with=${row%%|*}
    value=${row#*|}
    case $goes_with in
    '*') ;;
    =*) [[ -z $mode ]] || continue ;;
    *) [[ " $goes_with " == *" ${mode:-run} "* ]] || continue ;;
    esac
    plain+=("$name")
    [[ $value == =* ]] && joined+=("$name=")
  done
  __git_sync_offer '' ' ' "${plain[@]}"
  __git_sync_offer '' '' ${joined[@]+"${joined[@]}"}
}

# Offers what a mode is about; so many of it are typed already.
__git_sync_arguments() {
  local found row words=()
  case $mode:$1 in
  :0)
    for row in "${__git_sync_rows[@]}"; do
      [[ $row == -* ]] || words+=("${row%%|*}")
    done
    __git_sync_offer '' ' ' "${words[@]}"
    ;;
  mark:* | diff:*) __git_sync_files ;;
  unmark:*)
    __git_sync_ask marked
    __git_sync_offer '' ' ' ${found[@]+"${found[@]}"}
    __git_sync_below_home
    ;;
  resolve:*)
    __git_sync_ask held
    __git_sync_offer '' ' ' ${found[@]+"${found[@]}"}
    ;;
  restore:*)
    if [[ -n $dashes ]]; then
      __git_sync_files
    elif (($1 == 0)); then
      __git_sync_ask backups
      __git_sync_offer '' ' ' latest ${found[@]+"${found[@]}"}
    fi
    ;;
  setup:1) __git_sync_folders ;;
  *:0) __git_sync_values "$mode" '' ;;
  esac
}

# Offers the paths in found as they are typed without a tilde.
__git_sync_below_home() {
  local path paths=()
  [[ -n $cur && $cur != \~* ]] || return
  for path in ${found[@]+"${found[@]}"}; do
    path=$HOME/${path#\~/}
    [[ $cur == /* ]] || path=${path#"$PWD/"}
    paths+=("$path")
  done
  __git_sync_offer '' ' ' ${paths[@]+"${paths[@]}"}
}

_git_sync() {
  local cur cword words i=1 word pending='' mode='' dashes='' goes_with value
  local typed=0 folders=()
  COMPREPLY=()
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n '=:@' cur words cword
  else
    words=("${COMP_WORDS[@]}")
    cword=$COMP_CWORD
    cur=${words[cword]}
  fi
  # Nothing else is of use here but what is offered below.
  compopt +o default +o bashdefault -o nospace 2>/dev/null

  # What stands before our name belongs to git.
  if [[ ${words[0]##*/} != git-sync ]]; then
    while ((i < cword)) && [[ ${words[i]} != sync && $i != "${__git_cmd_idx:-}" ]]; do
      if [[ ${words[i]} == -C ]]; then
        __git_sync_folder "${words[++i]}"
      fi
      ((i++))
    done
    ((i++))
  fi

  for (( ; i < cword; i++)); do
    word=${words[i]}
    if [[ -n $pending ]]; then
      [[ $pending == -C ]] && __git_sync_folder "$word"
      pending=''
    elif [[ -n $dashes || $word != -* ]]; then
      if [[ -z $mode && -z $dashes ]] && __git_sync_row "$word"; then
        mode=$word
      else
        ((typed++))
      fi
    elif [[ $word == -- ]]; then
      dashes=yes
    else
      __git_sync_row "${word%%=*}"
      [[ -z $mode && $goes_with == =* ]] && mode=${goes_with#=}
      [[ $word != *=* && $value == [^=?]* ]] && pending=$word
    fi
  done

  if [[ -n $pending ]]; then
    __git_sync_values "$pending" ''
  elif [[ -z $dashes && $cur == --*=* ]]; then
    __git_sync_values "${cur%%=*}" "${cur%%=*}="
  elif [[ -z $dashes && $cur == -* ]]; then
    __git_sync_options
  else
    __git_sync_arguments "$typed"
  fi
}

# Goes one folder further, by a word as it was typed.
__git_sync_folder() {
  local folder=${1//\\/}
  [[ $folder == \~/* ]] && folder=$HOME/${folder#\~/}
  folders+=("$folder")
}

complete -o bashdefault -o default -o nospace -F _git_sync git-sync
