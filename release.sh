#!/usr/bin/env bash
# Makes a release: an archive with the program and all that comes along with it, and its digest. Needs GNU tar.
#
#   ./release.sh [--binary FILE] [--target NAME] [--output DIR]
#
# The same sources and the same program give the same archive, byte for byte. Without --binary the program is built,
# for NAME where that is given.
set -euo pipefail

fail() {
  echo "error: $1" >&2
  exit "${2:-1}"
}

here=$PWD
binary=''
target=''
output=dist
while (($#)); do
  case $1 in
  --binary | --target | --output)
    (($# > 1)) || fail "'$1' needs a value" 129
    path=$2
    [[ $path == /* ]] || path=$here/$path
    case $1 in
    --binary) binary=$path ;;
    --target) target=$2 ;;
    --output) output=$path ;;
    esac
    shift
    ;;
  *) fail "'$1' is not known here" 129 ;;
  esac
  shift
done
cd "$(dirname "$0")"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
if [[ -z $binary ]]; then
  # Paths of the machine that builds it are of no use to anybody else.
  RUSTFLAGS="${RUSTFLAGS-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
    cargo build --release --locked ${target:+--target "$target"}
  binary=${CARGO_TARGET_DIR:-target}/${target:+$target/}release/git-sync
fi
[[ -x $binary ]] || fail "'$binary' is no program"

# The time of everything in it: that of the commit, unless somebody says another one.
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
system=$(uname -s)
name=git-sync-$version-${target:-$(uname -m)-${system,,}}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/$name"
cp "$binary" "$scratch/$name/git-sync"
cp -R man completions shell hooks README.md CHANGELOG.md LICENSE install.sh "$scratch/$name"
chmod -R u=rwX,go=rX "$scratch/$name"

mkdir -p "$output"
tar --create --directory="$scratch" --sort=name --format=ustar --mtime="@$time" \
  --owner=0 --group=0 --numeric-owner "$name" | gzip -9n >"$output/$name.tar.gz"
cd "$output"
sha256sum "$name.tar.gz" >"$name.tar.gz.sha256"
echo "$PWD/$name.tar.gz"
