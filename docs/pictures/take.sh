#!/bin/sh
# Takes the pictures of the README anew: real commands in a real terminal (tmux, zsh), two homes and a remote.
#
#     docs/pictures/take.sh PATH-OF-GIT-SYNC
#
# It needs tmux, zsh, python3 and git.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$(dirname "${1:?the path of git-sync}")" && pwd)
scene=$(mktemp -d)
trap 'tmux -L pictures kill-server 2>/dev/null || :; rm -rf "$scene"' EXIT

PATH=$program:$PATH
unset GIT_DIR GIT_WORK_TREE XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME ZDOTDIR
export PATH GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8 TZ=UTC

# Two machines: a home each, with a clone of one remote.
git init --quiet --bare --initial-branch=main "$scene/configs.git"
for machine in laptop server; do
  HOME=$scene/$machine
  export HOME
  mkdir -p "$HOME"
  git config --global user.name Ana
  git config --global user.email ana@example.com
  git config --global sync.machineId "ana@$machine-linux"
  git config --global sync.background false
  git clone --quiet "$scene/configs.git" "$HOME/configs" 2>/dev/null
  cd "$HOME/configs"
  if [ "$machine" = laptop ]; then
    printf 'export EDITOR=vim\n' >zshrc
    printf 'set -g mouse on\n' >tmux.conf
    git add . && git commit --quiet -m "first configs" && git push --quiet origin main
  fi
  git-sync --setup --yes >/dev/null 2>&1
  git-sync >/dev/null 2>&1
  cat >"$HOME/.zshrc" <<-'ZSHRC'
		eval "$(git-sync prompt zsh)"
		setopt prompt_subst
		PROMPT='${GIT_SYNC_PROMPT}%F{blue}%1~%f ❯ '
		PROMPT_EOL_MARK=
	ZSHRC
done

# open MACHINE: a terminal on it.
open() {
  HOME=$scene/$1
  tmux -L pictures -f /dev/null new-session -d -s "$1" -x 96 -y 30 -c "$HOME/configs" \
    "env HOME='$HOME' PATH='$PATH' TERM=tmux-256color zsh -i"
  window=$1
  await '❯'
}

# await TEXT: until the last line that is not empty ends with it.
await() {
  tries=0
  until tmux -L pictures capture-pane -p -t "$window" | grep -v '^ *$' | tail -n 1 | grep -q -- "$1 *\$"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || {
      tmux -L pictures capture-pane -p -t "$window" >&2
      exit 1
    }
    sleep 0.1
  done
}

# type LINE [END]: types it, and waits for END, which is the prompt unless something asks.
type() {
  tmux -L pictures send-keys -t "$window" -l "$1"
  tmux -L pictures send-keys -t "$window" Enter
  sleep 0.5
  await "${2:-❯}"
}

# take NAME TITLE: makes the picture of what is on the screen.
take() {
  tmux -L pictures capture-pane -e -p -t "$window" | python3 "$here/svg.py" "$2" >"$here/$1.svg"
  tmux -L pictures kill-session -t "$window"
}

# The prompt, through a day.
open laptop
type 'echo "alias gs=\"git status\"" >>zshrc'
type 'git sync'
type 'git commit --allow-empty --quiet -m "by hand"'
type 'git push --quiet'
take prompt "The icon in the prompt: in sync, something to be sent, in sync again"

# A conflict.
printf 'export EDITOR=hx\n' >"$scene/laptop/configs/zshrc"
printf 'set -g mouse off\n' >"$scene/laptop/configs/tmux.conf"
(HOME=$scene/laptop && cd "$HOME/configs" && git-sync >/dev/null 2>&1)
printf 'export EDITOR=nano\n' >"$scene/server/configs/zshrc"
printf 'alias ll="ls -l"\n' >"$scene/server/configs/aliases"
open server
type 'git sync'
type 'cat zshrc'
take conflict "A sync with a conflict: the file is held, the rest is synced"

# The status.
printf 'alias la="ls -a"\n' >>"$scene/server/configs/aliases"
open server
type 'git sync --status'
take status "git sync --status"

# The restore picker.
(HOME=$scene/server && cd "$HOME/configs" && git-sync resolve --ours zshrc >/dev/null 2>&1 && : >aliases && git-sync >/dev/null 2>&1)
open server
type 'git sync --restore' 'Restore which one>'
type '2' 'for none)>>'
type '1'
take restore "git sync --restore asks which backup, and which files of it"
