#!/usr/bin/env bash
# Breaks the program on purpose, in the way that each patch here says, and expects the tests that it names to
# fail: what promises that nothing is lost is worth something only if its loss is noticed.
#   tests/mutations/run.sh             every patch; takes minutes a patch
#   tests/mutations/run.sh PATCH...    these
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$top/target}/mutations

if (($#)); then patches=("$@"); else patches=("$here"/*.patch); fi
missed=0
printf '| without it | tests that notice |\n|---|---|\n'
for patch in "${patches[@]}"; do
  patch=$(realpath "$patch")
  rm -rf "$work/source"
  mkdir "$work/source"
  (cd "$top" && tar --exclude=./target --exclude=./.git -cf - .) | tar -xf - -C "$work/source"
  cd "$work/source"
  GIT_CEILING_DIRECTORIES=$work git apply "$patch"
  read -ra filters < <(sed -n 's/^Caught by: //p' "$patch")
  cargo build --quiet --tests --bins
  # What fails is what notices it: any other end is none.
  cargo test --quiet --test suite -- "${filters[@]}" >"$work/log" 2>&1 && failed=0 || failed=$?
  count=$(sed -n 's/^test result: FAILED\..* \([0-9]*\) failed;.*/\1/p' "$work/log")
  printf '| %s | %s |\n' "$(head -n 1 "$patch")" "${count:-none}"
  if ((failed == 0)) || [[ -z $count ]]; then
    missed=$((missed + 1))
    tail -n 20 "$work/log" >&2
  fi
done
if ((missed)); then
  echo "error: $missed not noticed" >&2
  exit 1
fi
