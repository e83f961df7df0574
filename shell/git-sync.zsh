# git-sync for zsh: where your configs stand, in the prompt, and a sync when a shell starts.
#
#   source .../git-sync.zsh             or:  eval "$(git-sync prompt zsh)"
#   setopt prompt_subst
#   PROMPT='${GIT_SYNC_PROMPT}'$PROMPT
#
# A prompt costs no process: the state is one line in a file, which every sync and the hooks of git-sync
# write. A process is started where the line is out of date: something in the repository is newer, a
# command was typed in it or took a second (it may have been an editor), or the line is a minute old.
#
# Set, before or at any time:
#   GIT_SYNC_DIRECTORY    the configs repository, where it is not in its usual place
#   GIT_SYNC_BIN          the program
#   GIT_SYNC_SHOW         always, repo (only in the repository) or attention (only if something is to be done)
#   GIT_SYNC_ICONS        unicode or ascii; ascii is the default where the locale is not UTF-8
#   GIT_SYNC_MAX_AGE      so many seconds old may the line be: 60
#   GIT_SYNC_BACKGROUND   0: no sync when a shell starts
#   GIT_SYNC_LIVE         0: do not paint the prompt again when a sync ends
#
# To read: GIT_SYNC_PROMPT (with colour, and a blank behind it), GIT_SYNC_STATE (synced, ahead, behind,
# diverged, syncing, held, error), GIT_SYNC_ICON.

if [[ -o interactive ]]; then
  typeset -g GIT_SYNC_PROMPT='' GIT_SYNC_STATE='' GIT_SYNC_ICON=''
  typeset -g _git_sync_bin='' _git_sync_root='' _git_sync_real='' _git_sync_line='' _git_sync_old=''
  typeset -ga _git_sync_watched=()
  typeset -gi _git_sync_here=0 _git_sync_inside=0 _git_sync_ran=0 _git_sync_began=0 _git_sync_quiet=0
  typeset -gi _git_sync_looks=0 _git_sync_planned=0 _git_sync_now=0 _git_sync_sent=0

  # Finds the program, the repository, and the files that tell of a change in it.
  _git_sync_find() {
    emulate -L zsh
    local git common line dir
    _git_sync_root=${GIT_SYNC_DIRECTORY:-${_git_sync_directory-}}
    if [[ -z $_git_sync_root ]]; then
      _git_sync_root=$HOME/configs
      for dir in $HOME/dev/configs $HOME/configs; do
        if [[ -d $dir/.sync ]]; then
          _git_sync_root=$dir
          break
        fi
      done
    fi
    _git_sync_real=${_git_sync_root:A}
    _git_sync_bin=${GIT_SYNC_BIN:-${_git_sync_program-}}
    [[ -x $_git_sync_bin ]] || _git_sync_bin=${commands[git-sync]-}

    git=$_git_sync_root/.git
    if [[ -f $git ]]; then
      builtin read -r line < $git
      git=${line#gitdir: }
      [[ $git == /* ]] || git=$_git_sync_root/$git
    fi
    common=$git
    if [[ -r $git/commondir ]]; then
      builtin read -r line < $git/commondir
      common=$line
      [[ $common == /* ]] || common=$git/$common
    fi
    # Git replaces its files as a whole, so their folders tell of every change.
    _git_sync_watched=(
      $git ${common:#$git} $common/refs/heads $common/refs/heads/*(N/)
      $common/refs/remotes $common/refs/remotes/*(N/) $common/refs/remotes/*/*(N/)
    )
  }

  # Reads the line, and makes of it what is shown. What is in the file is only ever looked up.
  _git_sync_read() {
    emulate -L zsh
    local file=$_git_sync_root/.sync/state colour icon ascii pinned
    local -a words
    _git_sync_line=
    [[ -r $file ]] && _git_sync_line=$(<$file)
    words=(${=_git_sync_line})
    case ${words[1]-} in
      synced) colour=green icon=✓ ascii='=' ;;
      ahead) colour=yellow icon=↑ ascii='>' ;;
      behind) colour=cyan icon=↓ ascii='<' ;;
      diverged) colour=yellow icon=↑↓ ascii='<>' ;;
      syncing) colour=blue icon=⚡ ascii='*' ;;
      held | error) colour=red icon=✗ ascii='!' ;;
      *) words=('') ;;
    esac
    GIT_SYNC_STATE=$words[1]
    # A sync that was killed would be going on for ever.
    if [[ $GIT_SYNC_STATE == syncing ]] && ! builtin kill -0 -- ${(M)words[7]:#<1->} 2>/dev/null; then
      GIT_SYNC_STATE=error colour=red icon=✗ ascii='!'
    fi
    case ${GIT_SYNC_ICONS:-${_git_sync_icons:-${(L)${LC_ALL:-${LC_CTYPE:-${LANG-}}}}}} in
      unicode | *utf-8* | *utf8*) ;;
      *) icon=$ascii ;;
    esac
    case ${GIT_SYNC_SHOW:-always} in
      repo) (( _git_sync_here )) || icon= ;;
      attention) [[ $GIT_SYNC_STATE == synced ]] && icon= ;;
    esac
    GIT_SYNC_ICON=$icon
    # Terminals give this one two cells, and not every table says so.
    pinned=$icon
    [[ $icon == ⚡ ]] && pinned='%2{⚡%}'
    [[ $icon == '!' ]] && pinned=${_git_sync_bang:-!}
    GIT_SYNC_PROMPT=${icon:+"%F{$colour}$pinned%f "}
  }

  # The time, by what a prompt can show: the module that has it takes a third of all that a start costs.
  _git_sync_clock() {
    local seconds='%D{%s}'
    _git_sync_now=${(%)seconds}
  }

  # Is what the line says out of date?
  _git_sync_stale() {
    local file=$_git_sync_root/.sync/state other
    local -a words
    words=(${=_git_sync_line})
    [[ $GIT_SYNC_STATE == syncing ]] && return 1
    if (( _git_sync_ran && (_git_sync_inside || _git_sync_now - _git_sync_began >= 2) )); then
      return 0
    fi
    (( _git_sync_now - ${${(M)words[6]:#<->}:-0} > ${${(M)GIT_SYNC_MAX_AGE:#<->}:-60} )) && return 0
    [[ $words[1] == syncing ]] && return 0
    for other in $_git_sync_watched; do
      [[ $other -nt $file ]] && return 0
    done
    return 1
  }

  # Before a prompt. What the last command returned is kept by zsh itself.
  _git_sync_precmd() {
    local _git_sync_bang='!'
    [[ -o prompt_bang ]] && _git_sync_bang='!!'
    emulate -L zsh
    local before
    _git_sync_clock
    _git_sync_place
    _git_sync_read
    if [[ -n $_git_sync_line && -x $_git_sync_bin ]] && (( _git_sync_now >= _git_sync_quiet )) \
      && _git_sync_stale; then
      before=$_git_sync_line
      # It comes back at once, or after a tenth of a second at most, and then goes on by itself.
      local REPORTTIME=-1
      $_git_sync_bin -C $_git_sync_root refresh --background </dev/null >/dev/null 2>&1
      _git_sync_read
      if [[ $_git_sync_line == $before ]]; then
        # It takes longer, or cannot write: no use in starting another one at once.
        _git_sync_quiet=_git_sync_now+2 _git_sync_old=$before
        _git_sync_later 3
      fi
    fi
    _git_sync_ran=0 _git_sync_inside=0
    [[ $GIT_SYNC_STATE == syncing ]] || (( _git_sync_sent )) && _git_sync_later 30
    _git_sync_sent=0
    return 0
  }

  # Before a command.
  _git_sync_preexec() {
    emulate -L zsh
    _git_sync_clock
    _git_sync_ran=1 _git_sync_began=_git_sync_now _git_sync_inside=0
    _git_sync_place
  }

  # Are we in the repository? A command counts as typed in it that began or ended there.
  _git_sync_place() {
    _git_sync_here=0
    [[ $PWD/ == $_git_sync_root/* || $PWD/ == $_git_sync_real/* ]] && _git_sync_here=1 _git_sync_inside=1
    return 0
  }

  # Looks again in a second, so many times, while a sync goes on.
  _git_sync_later() {
    [[ ${GIT_SYNC_LIVE:-1} != (0|no|off|false) ]] && builtin zmodload zsh/sched 2>/dev/null || return 0
    _git_sync_looks=$1
    (( _git_sync_planned )) && return 0
    _git_sync_planned=1
    builtin sched +1 _git_sync_again
  }

  _git_sync_again() {
    local _git_sync_bang='!'
    [[ -o prompt_bang ]] && _git_sync_bang='!!'
    emulate -L zsh
    local before=$GIT_SYNC_PROMPT
    _git_sync_planned=0
    _git_sync_read
    [[ $GIT_SYNC_PROMPT != $before ]] && zle && zle .reset-prompt
    if (( --_git_sync_looks > 0 )) \
      && [[ $GIT_SYNC_STATE == syncing || $_git_sync_line == $_git_sync_old ]]; then
      _git_sync_later $_git_sync_looks
    fi
    return 0
  }

  # When a shell starts: a sync in the background, if one is due. It leaves the terminal by itself.
  _git_sync_start() {
    emulate -L zsh
    local line
    local -a due
    [[ ${GIT_SYNC_BACKGROUND:-1} != (0|no|off|false) && -z ${GIT_SYNC_RUNNING-} ]] || return 0
    [[ -x $_git_sync_bin && -d $_git_sync_root/.sync ]] || return 0
    if [[ -r $_git_sync_root/.sync/due ]]; then
      _git_sync_clock
      line=$(<$_git_sync_root/.sync/due)
      due=(${=line})
      # A clock that shows less than the beginning of the last one was set back.
      if [[ ${due[1]} == <-> && ${due[2]} == <-> ]] \
        && (( _git_sync_now >= due[1] && _git_sync_now < due[2] )); then
        return 0
      fi
    fi
    $_git_sync_bin -C $_git_sync_root --background </dev/null >/dev/null 2>&1 &!
    # The first prompt looks for what comes of it.
    _git_sync_old=$_git_sync_line _git_sync_sent=1
  }

  # For a theme that calls a function. It costs a process, other than ${GIT_SYNC_PROMPT}.
  sync_indicator() {
    builtin print -rn -- "$GIT_SYNC_PROMPT"
  }

  _git_sync_run() {
    "${_git_sync_bin:-git-sync}" -C "$_git_sync_root" "$@"
  }
  alias sync-configs='_git_sync_run'
  alias sync-status='_git_sync_run --status'

  _git_sync_hook() {
    emulate -L zsh
    typeset -ga precmd_functions preexec_functions
    # Once, however often this is sourced; first, so that a theme finds the state in its own.
    precmd_functions=(_git_sync_precmd ${precmd_functions:#_git_sync_precmd})
    preexec_functions=(_git_sync_preexec ${preexec_functions:#_git_sync_preexec})
  }

  _git_sync_find
  _git_sync_hook
  _git_sync_place
  _git_sync_read
  if [[ ${_git_sync_started-} != $$ ]]; then
    typeset -g _git_sync_started=$$
    _git_sync_start
  fi
fi
