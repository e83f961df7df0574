//! Keeps a configs repository the same on all machines of its user.
pub mod cli;
pub mod error;
pub mod git;
pub mod model;
pub mod ops;
pub mod store;
pub mod sys;
pub mod ui;
