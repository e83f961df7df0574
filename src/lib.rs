//! Keeps a configs repository the same on all machines of its user: the library behind `git sync`.
//!
//! It is a library so that its parts can be tested and read one by one; the product is the binary,
//! and nothing here is promised to other programs.
//!
//! # Layers
//!
//! Imports point downwards; `tests/layers.rs` says which layer may name which.
//!
//! | layer | what it knows | starts with |
//! |---|---|---|
//! | [`cli`] | what can be typed, and the exit code | [`cli::main`] |
//! | [`ui`] | how an outcome is told | [`ui::Ui`] |
//! | [`ops`] | the use cases: options in, outcome out | [`ops::sync::sync`] |
//! | [`store`] | our own files | [`store::layout::Layout`] |
//! | [`git`] | the user's git, and gix | [`git::Repo`] |
//! | [`sys`] | one door each to files, clock, environment, processes, terminal | [`sys::fs`] |
//! | [`model`] | what is true, without I/O | [`model::held::Held`] |
//! | [`error`] | what failed, whose fault it is, what to do next | [`error::Error`] |
//!
//! A sync is a few rounds until nobody was faster: [`ops::guard`] says whether the repository may be
//! touched, [`ops::recover`] cleans up after a run that died, [`ops::snapshot`] commits what changed
//! here, [`ops::upstream`] meets the remote, [`ops::integrate`] puts both sides together in the object
//! database, [`ops::settle`] and [`ops::collide`] say which paths have to wait, [`ops::publish`] makes
//! the result real, and [`ops::record`] writes down how it ended.
//!
//! # What is kept on disk
//!
//! In the work tree, where prompts and people look. Local, but for the last four:
//!
//! | file | what | owner |
//! |---|---|---|
//! | `.sync/state` | state, counts, time and process in one line | [`store::state`] |
//! | `.sync/sync-status` | the icon alone | [`store::state`] |
//! | `.sync/last-sync` | when a sync last succeeded | [`store::state`] |
//! | `.sync/backups` | a link to the backups, which are in the user's state folder | [`store::backups`] |
//! | `.sync/due` | when the next background run is due | [`store::state`] |
//! | `.sync/machine-id` | the name of this machine | [`store::machine`] |
//! | `.sync/stage/` | as `stage/` below, where the git directory is on another file system | [`ops::publish`] |
//! | `.sync/marked-files.txt` | tracked: what is marked | [`model::mark`] |
//! | `.sync/modes` | tracked: who may read the copies | [`model::modes`] |
//! | `external/` | tracked: the copies of it | [`ops::marks`] |
//! | `.sync/config.yaml` | tracked: the rules of [`model::policy`]; read, never written | the user |
//!
//! In `sync/` of the git directory; [`store::layout`] knows the paths. All work trees of a repository
//! share the first six, and each has the others for itself:
//!
//! | file | what | owner |
//! |---|---|---|
//! | `lock` | the lock of a run | [`sys::lock`] |
//! | `setup-lock` | the lock of a setup | [`ops::setup`] |
//! | `history.jsonl`, `history.jsonl.1` | one line for every run | [`store::history`] |
//! | `agreed/BRANCH` | what the branch and its upstream both had last | [`store::agreed`] |
//! | `log` | why background runs failed | [`cli`], in `background` |
//! | `told-identity` | said once, and not again | [`ops::identity`] |
//! | `watch-lock` | the lock of a watch | [`ops::watch`] |
//! | `journal` | what a publication is about to do | [`store::journal`] |
//! | `marks` | what was last written at each marked path | [`store::memory`] |
//! | `adopting/` | copies of marked files while they are made | [`ops::marks`] |
//! | `stage/` | files before they go live, and those they replaced | [`ops::publish`] |
//! | `tmp/` | private indexes and other scratch of the run that holds the lock | [`ops::Context::scratch`] |
//! | `look-PID/` | the same of a process that only looks | [`ops::look`] |
//! | `rescued/` | what was found in the way, after a crash or by a decision | [`ops::recover`], [`ops::put`] |
//!
//! Refs, none of which is ever pushed:
//!
//! | ref | what | owner |
//! |---|---|---|
//! | `refs/git-sync/held/BRANCH` | the held paths of a branch, three versions of each; `/` is `%2F` | [`store::held`] |
//! | `refs/git-sync/resolved/NUMBER-RUN` | what was decided about | [`ops::kept`] |
//! | `refs/git-sync/before/RUN` | what a policy, a force, a decision or a rewritten upstream replaced | [`ops::kept`] |
//! | `refs/git-sync/fetched` | where the remote is, by a fetch beside a push | [`git::remote`] |
//! | `refs/git-sync/before/RUN-staged` | what was staged and edited further before it was committed | [`ops::sync`] |
//!
//! Beside the folder that a setup clones into, `.git-sync-setup/` is there while it does.
//!
//! The configuration of git is read in [`git::config`], the environment in [`sys::env`].

pub mod cli;
pub mod error;
pub mod git;
pub mod model;
pub mod ops;
pub mod store;
pub mod sys;
#[cfg(test)]
mod testing;
pub mod ui;
