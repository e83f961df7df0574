//! The only place that starts git or opens gix.
//!
//! gix answers what a sync that has nothing to do needs to know: where the repository is, what its
//! settings and refs say, what differs in the work tree. Whatever writes, merges, filters or talks
//! to a remote is the user's own git, so that their hooks, filters, credentials and signing work
//! here as they do by hand (docs/decisions/0002).

pub mod checkout;
pub mod command;
pub mod commit;
pub mod config;
pub mod config_file;
pub mod create;
pub mod distance;
pub mod files;
pub mod home;
mod hook_config;
pub mod hooks;
pub mod ignore;
pub mod index;
pub mod maintenance;
pub mod merge;
pub mod mergetool;
pub mod origin;
pub mod refs;
pub mod remote;
pub mod repo;
pub mod status;
pub mod transport;
pub mod tree;
mod worktrees;

pub use repo::Repo;
