//! Our own files and refs, one file here for each: where they are, what they hold, how they survive
//! a crash.

pub mod agreed;
pub mod backups;
pub mod decision;
pub mod heartbeat;
pub mod held;
pub mod history;
pub mod journal;
pub mod keys;
pub mod layout;
pub mod leftovers;
pub mod machine;
pub mod memory;
pub mod state;
mod summed;
