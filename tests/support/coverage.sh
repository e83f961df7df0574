#!/usr/bin/env bash
# Says how much of the program the tests run: the share of lines, by folder and by file. Needs cargo-llvm-cov and
# rustup's component llvm-tools; takes twice as long as the tests.
#   tests/support/coverage.sh              everything
#   tests/support/coverage.sh FILTER...    the unit tests, and these stories
set -euo pipefail
cd "$(dirname "$0")/../.."

# What the tests of the suite show goes to stderr. Some may fail: the program is slower, and another user may not write
# its profile.
run() {
  cargo llvm-cov --no-report "$@" --quiet >&2 || echo 'some tests have failed' >&2
}

cargo llvm-cov clean --workspace
# All processes of a program share a file.
export LLVM_PROFILE_FILE_NAME='%8m.profraw'
run --lib
if (($#)); then
  run --test suite -- "$@"
else
  run --test suite -- --skip faults:: --skip model::
  # One that is killed while it writes would leave a file that nobody can read: each has its own.
  export LLVM_PROFILE_FILE_NAME='%p-%m.profraw'
  run --test suite -- faults:: model::
fi
cargo llvm-cov report --json --summary-only --failure-mode all | perl -MJSON::PP -e '
  my ($data) = decode_json(join "", <STDIN>)->{data}[0];
  my (%all, %hit);
  for my $file (@{ $data->{files} }) {
    my ($name) = $file->{filename} =~ m{/src/(.*)} or next;
    my $lines = $file->{summary}{lines};
    for my $key ($name, $name =~ m{^(.*?)/} ? "$1/" : (), "all") {
      $all{$key} += $lines->{count};
      $hit{$key} += $lines->{covered};
    }
  }
  for my $key (sort keys %all) {
    printf "%6.2f %%  %5d lines  %s\n", 100 * $hit{$key} / ($all{$key} || 1), $all{$key}, $key;
  }'
