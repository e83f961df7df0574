//! What is true, without a disk, a clock or a git: the vocabulary of the program.
//!
//! - A **machine** is one home of the user, named once and for all ([`machine`]).
//! - A **path** is bytes inside the repository ([`path`]); an **entry** is what a tree has there
//!   ([`entry`]).
//! - A **policy** settles a path that changed on both sides ([`policy`]); where none does, the path
//!   is **held** ([`held`]).
//! - What is outside of the repository and **marked** ([`mark`]) is synced through links to copies, or as a
//!   copy ([`terms`]), some machines with a version of their own ([`variant`]); tables say how a mark is mended ([`cure`]); what git does not keep of the copies is
//!   in a list ([`modes`]); some places of a home are no configuration ([`special`]).
//! - What looks like a **secret** ([`secret`]) is not committed by itself: its path is **skipped**, like
//!   everything that cannot be synced ([`skipped`]).
//! - What other tools keep becomes a **proposal** of marks ([`import`]).
//! - The **state** is all of this in one word ([`state`]); a **run** is what one sync did
//!   ([`run`]); what one replaces is kept for a while ([`retention`]). When the next one in the background is
//!   due is told to shells ([`due`]), which show the state in a [`prompt`]; hooks of git ([`hook_script`])
//!   keep it right after commands of the user's own. When a watch looks and syncs is its **pace** ([`pace`]), in
//!   spans of time as people type them ([`span`]).
//! - A **backup** has all of it as files ([`backup`]); older ones make room ([`rotation`]).
//! - The manual and the completions are **companions** of the program ([`companion`]).

pub mod backup;
pub mod block;
pub mod companion;
pub mod cron;
pub mod cure;
pub mod divergence;
pub mod due;
pub mod entry;
pub mod heartbeat;
pub mod held;
pub mod hook_script;
pub mod import;
pub mod lines;
pub mod machine;
pub mod mark;
pub mod message;
pub mod modes;
pub mod pace;
pub mod path;
pub mod pattern;
pub mod policy;
pub mod prompt;
pub mod recipients;
pub mod retention;
pub mod rotation;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod skipped;
pub mod span;
pub mod special;
pub mod state;
pub mod terms;
pub mod url;
pub mod variant;
