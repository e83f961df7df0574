//! Faults: a run is stopped, starved of its disk, or cut off from the power, at every step it makes.
//!
//! What must hold after any of them, in one sentence: every byte that somebody saved is in a live
//! file or in a commit that a ref keeps, and the next plain run finishes the job.
//!
//! `GIT_SYNC_FAULTS` says how much is tried: unset, a few points of every scenario; a number, every
//! so many points; `all`, each single one.

mod backups;
mod campaign;
mod copies;
mod encrypted;
mod imports;
mod marks;
mod one_child;
mod oracle;
mod power;
mod scenario;
mod tracer;
mod unseen_edits;
mod variants;
mod whole_run;

/// The points to be tried of `count`: `usual` of them, or as many as the environment says.
fn points(count: usize, usual: usize) -> impl Iterator<Item = usize> {
    let wish = std::env::var("GIT_SYNC_FAULTS").unwrap_or_default();
    let step = match wish.as_str() {
        "all" => 1,
        text => text
            .parse()
            .unwrap_or_else(|_| count.div_ceil(usual))
            .max(1),
    };
    (1..=count).step_by(step)
}
