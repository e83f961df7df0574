//! Faults: a run is stopped, starved of its disk, refused what it asks for, or cut off from the other side
//! or from the power, at every step it makes.
//!
//! What must hold after any of them, in one sentence: every byte that somebody saved is in a live
//! file or in a commit that a ref keeps, and the next plain run finishes the job.
//!
//! `GIT_SYNC_FAULTS` says how much is tried: unset, a few points of every scenario; a number, every
//! so many points; `all`, each single one.

mod backups;
mod campaign;
mod copies;
mod cut;
mod encrypted;
mod fault;
mod imports;
mod killed;
mod marks;
mod one_child;
mod oracle;
mod power;
mod refused;
mod scenario;
mod tracer;
mod trial;
mod unreadable;
mod unseen_edits;
mod variants;
