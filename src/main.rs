//! `git-sync`: see the library for what it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    git_sync::cli::main()
}
