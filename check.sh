#!/usr/bin/env bash
# Everything that must hold before a change goes in; CI runs it through .ci/run.
#   ./check.sh             runs it
#   ./check.sh --missing   only prints the Debian packages that are missing
set -euo pipefail
cd "$(dirname "$0")"

# Program or file, and the Debian packages that make it work.
needs=(
  'git git' '/usr/share/bash-completion/completions/git git'
  '/usr/share/bash-completion/bash_completion bash-completion' 'man man-db'
  'cc gcc libc6-dev' 'ssh openssh-client' 'ssh-keygen openssh-client' 'sshd openssh-server'
  'zsh zsh' 'fish fish' 'rsync rsync' 'strace strace' 'git-lfs git-lfs' 'script bsdutils'
  'unshare util-linux' 'prlimit util-linux' 'ps procps' 'vim vim' 'stow stow' 'age age' 'tmux tmux'
  'systemd-analyze systemd' 'perl perl' 'shellcheck shellcheck' 'shfmt shfmt' 'mandoc mandoc'
)

missing() {
  # sshd is where only root looks.
  local PATH=$PATH:/usr/sbin:/sbin need
  for need in "${needs[@]}"; do
    command -v "${need%% *}" >/dev/null || [[ -f ${need%% *} ]] || echo "${need#* }"
  done | tr ' ' '\n' | sort -u
}

if [[ ${1-} == --missing ]]; then
  missing
  exit
fi

mapfile -t packages < <(missing)
if ((${#packages[@]})); then
  echo "error: missing: ${packages[*]}" >&2
  echo "hint: sudo apt-get install ${packages[*]}" >&2
  exit 1
fi
if ! command -v cargo >/dev/null; then
  echo "error: missing: Rust with cargo" >&2
  echo "hint: see https://rustup.rs" >&2
  exit 1
fi
for component in fmt clippy; do
  if ! cargo "$component" --version >/dev/null 2>&1; then
    echo "error: missing: cargo $component" >&2
    echo "hint: rustup component add rustfmt clippy" >&2
    exit 1
  fi
done

# The tests flush thousands of small files, which takes half of their time on a disk: they do it in memory where
# there is room for it, and where programs may be run there.
in_memory() {
  local free script=/dev/shm/.git-sync-$$
  free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || return 1
  ((${free:-0} > 4 << 20)) || return 1
  printf '#!/bin/sh\n' >"$script" 2>/dev/null && chmod +x "$script" && "$script" 2>/dev/null
  local result=$?
  rm -f "$script"
  return "$result"
}

if [[ -z ${TMPDIR-} ]] && in_memory; then
  export TMPDIR=/dev/shm
fi

step() {
  printf '\n== %s\n' "$*"
  "$@"
}

# Our shell scripts: by their name, or by what they say in the first line.
scripts() {
  find . \( -path ./.git -o -path ./target \) -prune -o -type f \( -name '*.sh' -o -name '*.bash' \) -print
  local folder
  for folder in .ci hooks shell; do
    if [[ -d $folder ]]; then
      grep -rlE --exclude='*.sh' --exclude='*.bash' '^#!.*[/ ](sh|bash)( |$)' "$folder" || true
    fi
  done
}

mapfile -t found < <(scripts)
step shellcheck "${found[@]}"
step shfmt -d "${found[@]}"
for file in shell/*.zsh shell/*.zsh-theme completions/_git*; do
  step zsh -n "$file"
done
for file in shell/*.fish completions/*.fish; do
  step fish --no-execute "$file"
  step fish_indent --check "$file"
done
step mandoc -T lint -W warning man/git-sync.1
step cargo fmt --check
step cargo clippy --all-targets --locked -- -D warnings
RUSTDOCFLAGS='-D warnings' step cargo doc --no-deps --document-private-items --locked
step cargo test --locked
printf '\nEverything holds.\n'
