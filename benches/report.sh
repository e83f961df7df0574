#!/usr/bin/env bash
# Measures, and puts what comes out into docs/benchmarks.md, where `<!-- Output of: COMMAND -->` says what belongs
# behind it, as far as `<!-- End of output -->`.
#   benches/report.sh            every command: hours, on a machine that should have nothing else to do
#   benches/report.sh WORD...    the commands with one of these words in them: scale, backup, ...
set -euo pipefail
cd "$(dirname "$0")/.."
page=docs/benchmarks.md

is_wanted() {
  (($# > 1)) || return 0
  local command=$1 word
  for word in "${@:2}"; do
    [[ $command != *"$word"* ]] || return 0
  done
  return 1
}

output=$(mktemp)
trap 'rm -f "$output"' EXIT
sed -n 's/^<!-- Output of: \(.*\) -->$/\1/p' "$page" | while read -r command; do
  is_wanted "$command" "$@" || continue
  echo "$command" >&2
  # What is measured may want the terminal, the list of commands is not for it.
  bash -c "$command" </dev/null >"$output"
  WANTED="<!-- Output of: $command -->" OUTPUT=$output perl -i -ne '
    if ($_ eq "$ENV{WANTED}\n") {
      open my $new, "<", $ENV{OUTPUT} or die $!;
      print $_, "\n", <$new>, "\n";
      $inside = 1;
    }
    $inside = 0 if $_ eq "<!-- End of output -->\n";
    print unless $inside;' "$page"
done
