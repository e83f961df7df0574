#!/bin/sh
# Installs git-sync for one user or for all: the program, its manual, its completions, and its files for shells.
# From a checkout it builds the program first, which needs cargo; a release has it already.
#
#   ./install.sh [--prefix DIR] [--binary FILE] [--uninstall]
#
# DIR is ~/.local where nothing else is said. DESTDIR goes before it, for who makes packages.
set -eu
# Others may use it too, whatever is usual for files of this user.
umask 022

fail() {
  echo "error: $1" >&2
  exit "${2:-1}"
}

usage() {
  sed -n 's/^#   \(.*install\.sh\)/usage: \1/p' "$0"
}

prefix=
binary=
uninstall=
while [ $# -gt 0 ]; do
  case $1 in
  --prefix=*) prefix=${1#*=} ;;
  --binary=*) binary=${1#*=} ;;
  --prefix | --binary)
    [ $# -gt 1 ] || fail "'$1' needs a value" 129
    if [ "$1" = --prefix ]; then prefix=$2; else binary=$2; fi
    shift
    ;;
  --uninstall) uninstall=yes ;;
  -h | --help)
    usage
    exit
    ;;
  *)
    usage >&2
    fail "'$1' is not known here" 129
    ;;
  esac
  shift
done

# A relative file counts from where this was typed.
case $binary in
'' | /*) ;;
*) binary=$PWD/$binary ;;
esac
if [ -z "$prefix" ]; then
  [ -n "${HOME-}" ] || fail "HOME is not set: say --prefix"
  prefix=$HOME/.local
fi
case $prefix in
/*) ;;
*) prefix=$PWD/$prefix ;;
esac
root=${DESTDIR-}$prefix
cd "$(dirname "$0")"

# What goes where, a line each: mode, file, and its place below the prefix.
places() {
  cat <<END
644 man/git-sync.1 share/man/man1/git-sync.1
644 completions/git-sync.bash share/bash-completion/completions/git-sync
644 completions/_git-sync share/zsh/site-functions/_git-sync
644 completions/_git_sync share/zsh/site-functions/_git_sync
644 completions/git-sync.fish share/fish/vendor_completions.d/git-sync.fish
644 completions/git-sync.conf.fish share/fish/vendor_conf.d/git-sync.fish
END
  for file in shell/*; do
    echo "644 $file share/git-sync/$file"
  done
  for file in hooks/*; do
    echo "755 $file share/git-sync/$file"
  done
}

# A new file takes the place of the old one as a whole: the program may be running.
put() {
  mkdir -p "$(dirname "$root/$3")"
  cp "$2" "$root/$3.new.$$"
  chmod "$1" "$root/$3.new.$$"
  mv -f "$root/$3.new.$$" "$root/$3"
}

take() {
  rm -f "$root/$1"
  # Folders that were made for it, as long as nothing else is in them.
  folder=$(dirname "$1")
  while [ "$folder" != . ] && rmdir "$root/$folder" 2>/dev/null; do
    folder=$(dirname "$folder")
  done
}

if [ -n "$uninstall" ]; then
  places | while read -r _ _ place; do
    take "$place"
  done
  take bin/git-sync
  echo "git-sync is not in $root any more"
  exit
fi

if [ -z "$binary" ] && [ -f git-sync ]; then
  binary=git-sync
fi
if [ -z "$binary" ]; then
  command -v cargo >/dev/null || fail "there is no cargo to build it with: see https://rustup.rs"
  cargo build --release --locked
  binary=${CARGO_TARGET_DIR:-target}/release/git-sync
fi
[ -f "$binary" ] || fail "'$binary' is not there"

put 755 "$binary" bin/git-sync
places | while read -r mode file place; do
  put "$mode" "$file" "$place"
done

echo "git-sync is in $root/bin"
case :$PATH: in
*:"$prefix/bin":*) ;;
*) echo "hint: add $prefix/bin to PATH" ;;
esac
echo "hint: zsh completes it if fpath has $prefix/share/zsh/site-functions before compinit"
echo "hint: git-sync --setup   sets up this machine"
