# shellcheck shell=bash disable=SC2034 # some variables are for the user's own prompt
# git-sync for bash: where your configs stand, in the prompt, and a sync when a shell starts.
#
#   source .../git-sync.bash            or:  eval "$(git-sync prompt bash)"
#   PS1='${GIT_SYNC_PS1}'$PS1
#
# A prompt costs no process: the state is one line in a file, which every sync and the hooks of git-sync
# write. A process is started where the line is out of date: something in the repository is newer, a
# command was typed in it or took a second (it may have been an editor), or the line is a minute old.
# It works from bash 3.2 on; before 4.4 it does not know how long a command took.
#
# Set, before or at any time:
#   GIT_SYNC_DIRECTORY    the configs repository, where it is not in its usual place
#   GIT_SYNC_BIN          the program
#   GIT_SYNC_SHOW         always, repo (only in the repository) or attention (only if something is to be done)
#   GIT_SYNC_ICONS        unicode or ascii; ascii is the default where the locale is not UTF-8
#   GIT_SYNC_MAX_AGE      so many seconds old may the line be: 60
#   GIT_SYNC_BACKGROUND   0: no sync when a shell starts
#
# To read: GIT_SYNC_PS1 (with colour, and a blank behind it), GIT_SYNC_STATE (synced, ahead, behind,
# diverged, syncing, held, error), GIT_SYNC_ICON.

if [[ $- == *i* ]]; then
  GIT_SYNC_PS1='' GIT_SYNC_STATE='' GIT_SYNC_ICON=''
  _git_sync_line='' _git_sync_here=0 _git_sync_inside=0 _git_sync_ran=0 _git_sync_began=0 _git_sync_quiet=0

  # Finds the program, the repository, and the files that tell of a change in it.
  _git_sync_find() {
    local git common line dir was=$- strict='' GLOBIGNORE='' IFS=$' \t\n'
    _git_sync_root=${GIT_SYNC_DIRECTORY:-${_git_sync_directory-}}
    if [[ -z $_git_sync_root ]]; then
      _git_sync_root=${HOME-}/configs
      for dir in "${HOME-}/dev/configs" "${HOME-}/configs"; do
        if [[ -d $dir/.sync ]]; then
          _git_sync_root=$dir
          break
        fi
      done
    fi
    _git_sync_bin=${GIT_SYNC_BIN:-${_git_sync_program-}}
    if [[ ! -x $_git_sync_bin ]]; then
      _git_sync_bin=''
      local IFS=:
      for dir in ${PATH-}; do
        if [[ -f $dir/git-sync && -x $dir/git-sync ]]; then
          _git_sync_bin=$dir/git-sync
          break
        fi
      done
      IFS=$' \t\n'
    fi

    git=$_git_sync_root/.git
    if [[ -f $git ]]; then
      builtin read -r line <"$git"
      git=${line#gitdir: }
      [[ $git == /* ]] || git=$_git_sync_root/$git
    fi
    common=$git
    if [[ -r $git/commondir ]]; then
      builtin read -r line <"$git/commondir"
      common=$line
      [[ $common == /* ]] || common=$git/$common
    fi
    # Git replaces its files as a whole, so their folders tell of every change.
    _git_sync_watched=("$git" "$common" "$common/refs/heads" "$common/refs/remotes")
    if builtin shopt -q failglob; then
      strict=1
      builtin shopt -u failglob
    fi
    set +f
    for dir in "$common"/refs/heads/*/ "$common"/refs/remotes/*/ "$common"/refs/remotes/*/*/; do
      if [[ -d $dir ]]; then
        _git_sync_watched+=("${dir%/}")
      fi
    done
    case $was in *f*) set -f ;; esac
    if [[ -n $strict ]]; then
      builtin shopt -s failglob
    fi
  }

  # The time, seconds since 1970, where this bash can tell it without a process.
  _git_sync_clock() {
    _git_sync_now=0
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
      builtin printf -v _git_sync_now '%(%s)T' -1
    fi
  }

  # Reads the line, and makes of it what is shown. What is in the file is only ever looked up.
  _git_sync_read() {
    local file=$_git_sync_root/.sync/state colour='' icon='' ascii='' IFS=$' \t\n'
    local -a words=()
    if [[ -r $file ]]; then
      builtin read -r -a words <"$file"
    fi
    _git_sync_line="${words[*]-}"
    GIT_SYNC_STATE=${words[0]-}
    _git_sync_epoch=${words[5]-0}
    # A sync that was killed would be going on for ever.
    if [[ $GIT_SYNC_STATE == syncing ]]; then
      if [[ ${words[6]-} == *[!0-9]* ]] || ! builtin kill -0 "${words[6]-}" 2>/dev/null; then
        GIT_SYNC_STATE=error
      fi
    fi
    case $GIT_SYNC_STATE in
    synced) colour=32 icon=✓ ascii='=' ;;
    ahead) colour=33 icon=↑ ascii='>' ;;
    behind) colour=36 icon=↓ ascii='<' ;;
    diverged) colour=33 icon=↑↓ ascii='<>' ;;
    syncing) colour=34 icon=⚡ ascii='*' ;;
    held | error) colour=31 icon=✗ ascii='!' ;;
    *) GIT_SYNC_STATE='' ;;
    esac
    case ${GIT_SYNC_ICONS:-${_git_sync_icons:-${LC_ALL:-${LC_CTYPE:-${LANG-}}}}} in
    unicode | *[uU][tT][fF]-8* | *[uU][tT][fF]8*) ;;
    *) icon=$ascii ;;
    esac
    case ${GIT_SYNC_SHOW:-always} in
    repo) if ((!_git_sync_here)); then icon=''; fi ;;
    attention) if [[ $GIT_SYNC_STATE == synced ]]; then icon=''; fi ;;
    esac
    GIT_SYNC_ICON=$icon
    if [[ -z $icon ]]; then
      GIT_SYNC_PS1=''
    elif [[ ${TERM-dumb} == dumb ]]; then
      GIT_SYNC_PS1="$icon "
    else
      # These two bytes are what \[ and \] become; in a variable they have to be there already.
      GIT_SYNC_PS1=$'\001\e['${colour}$'m\002'$icon$'\001\e[0m\002 '
    fi
  }

  # Is what the line says out of date?
  _git_sync_stale() {
    local other age=${GIT_SYNC_MAX_AGE:-60}
    if [[ $GIT_SYNC_STATE == syncing ]]; then
      return 1
    fi
    if ((_git_sync_ran && (_git_sync_inside || SECONDS - _git_sync_began >= 2))); then
      return 0
    fi
    if [[ $_git_sync_epoch == *[!0-9]* || $age == *[!0-9]* || $_git_sync_line == syncing* ]]; then
      return 0
    fi
    if ((_git_sync_now - _git_sync_epoch > age)); then
      return 0
    fi
    for other in "${_git_sync_watched[@]}"; do
      if [[ $other -nt $_git_sync_root/.sync/state ]]; then
        return 0
      fi
    done
    return 1
  }

  # Are we in the repository? A command counts as typed in it that began or ended there.
  _git_sync_place() {
    _git_sync_inside=$_git_sync_here
    _git_sync_here=0
    case $PWD/ in "$_git_sync_root"/*) _git_sync_here=1 _git_sync_inside=1 ;; esac
  }

  # Before a prompt.
  _git_sync_prompt() {
    local status=$? before
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
      _git_sync_ran=1 _git_sync_began=$SECONDS
    fi
    _git_sync_clock
    _git_sync_place
    _git_sync_read
    if [[ -n $_git_sync_line && -x $_git_sync_bin ]] && ((SECONDS >= _git_sync_quiet)) && _git_sync_stale; then
      before=$_git_sync_line
      # It comes back at once, or after a tenth of a second at most, and then goes on by itself.
      "$_git_sync_bin" -C "$_git_sync_root" refresh --background </dev/null >/dev/null 2>&1
      _git_sync_read
      if [[ $_git_sync_line == "$before" ]]; then
        # It takes longer, or cannot write: no use in starting another one at once.
        _git_sync_quiet=$((SECONDS + 2))
      fi
    fi
    _git_sync_ran=0
    return "$status"
  }

  # When a shell starts: a sync in the background, if one is due. It leaves the terminal by itself.
  _git_sync_start() {
    local begun='' next='' IFS=$' \t\n'
    case ${GIT_SYNC_BACKGROUND:-1} in 0 | no | off | false) return 0 ;; esac
    if [[ -n ${GIT_SYNC_RUNNING-} || ! -x $_git_sync_bin || ! -d $_git_sync_root/.sync ]]; then
      return 0
    fi
    if [[ -r $_git_sync_root/.sync/due ]]; then
      builtin read -r begun next _ <"$_git_sync_root/.sync/due"
      # A clock that shows less than the beginning of the last one was set back.
      if [[ $begun$next != *[!0-9]* && -n $next ]] && ((_git_sync_now >= begun && _git_sync_now < next)); then
        return 0
      fi
    fi
    # What the shell says of a new job goes to nobody either.
    { "$_git_sync_bin" -C "$_git_sync_root" --background </dev/null >/dev/null 2>&1 & } 2>/dev/null
    builtin disown "$!" 2>/dev/null
    return 0
  }

  _git_sync_run() {
    "${_git_sync_bin:-git-sync}" -C "$_git_sync_root" "$@"
  }
  alias sync-configs='_git_sync_run'
  alias sync-status='_git_sync_run --status'

  # Once, however often this is sourced; first, so that what follows finds the state.
  _git_sync_hook() {
    case $'\n'"${PROMPT_COMMAND[*]-}"$'\n' in
    *_git_sync_prompt*) ;;
    *) PROMPT_COMMAND=_git_sync_prompt${PROMPT_COMMAND:+$'\n'$PROMPT_COMMAND} ;;
    esac
    # Expanded before a command runs, from bash 4.4 on: it notes when, and leaves nothing behind.
    # shellcheck disable=SC2016 # expanded by the shell that shows it
    case ${PS0-} in
    *_git_sync_began*) ;;
    *) PS0='${_git_sync_began:$((_git_sync_began = SECONDS, _git_sync_ran = 1, 0)):0}'${PS0-} ;;
    esac
  }

  _git_sync_find
  _git_sync_hook
  _git_sync_clock
  _git_sync_place
  _git_sync_read
  if [[ ${_git_sync_started-} != "$$" ]]; then
    _git_sync_started=$$
    _git_sync_start
  fi
fi
