//! The operating system, one door each. Nothing here knows git or the product.

pub mod age;
pub mod clock;
pub mod detach;
pub mod env;
pub mod fs;
pub mod hex;
pub mod host;
pub mod interrupt;
pub mod lock;
pub mod manual;
pub mod process;
pub mod program;
pub mod progress;
pub mod scheduler;
pub mod sealed_file;
pub mod swap;
pub mod terminal;
pub mod tree;
pub mod watch;
