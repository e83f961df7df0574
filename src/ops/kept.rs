//! What is replaced is kept under a ref before it is.
//!
//! Each has a name of its own: a run may replace something more than once, and what an earlier round
//! has kept is not the later one's to give up.

use super::Context;
use crate::error::{Error, Result};
use crate::git::refs::{RefChange, Refs};
use crate::model::entry::Oid;
use crate::sys::clock;

/// The refs that keep what was replaced.
const REPLACED: &str = "refs/git-sync/before/";

/// The refs that keep what was decided about, so that it can be taken back.
const DECIDED: &str = "refs/git-sync/resolved/";

/// The change that puts `commit` under a ref; `what` says more of it than that it was replaced.
pub fn change(ctx: &Context<'_>, what: Option<&str>, commit: Oid) -> Result<RefChange> {
    let mut name = format!("{REPLACED}{}", ctx.run);
    if let Some(what) = what {
        name = format!("{name}-{what}");
    }
    let mut free = name.clone();
    for number in 2.. {
        if ctx.repo.named_by(&free)?.is_none() {
            break;
        }
        free = format!("{name}-{number}");
    }
    Ok(RefChange {
        name: free,
        old: None,
        new: Some(commit),
    })
}

/// Puts `commit` under a ref, now; the name of it.
pub fn keep(ctx: &Context<'_>, commit: Oid) -> Result<String> {
    let change = change(ctx, None, commit)?;
    let name = change.name.clone();
    match ctx
        .repo
        .change_refs("sync: keep what is replaced", &[change])?
    {
        Refs::Changed => Ok(name),
        Refs::Moved => Err(Error::failed(format!("'{name}' cannot be made"))
            .hint("nothing was changed; run it again")),
    }
}

/// Takes back what [`keep`] did: nothing was replaced after all.
pub fn forget(ctx: &Context<'_>, name: String) -> Result<()> {
    let old = ctx.repo.resolve(&name)?;
    let change = RefChange {
        name,
        old,
        new: None,
    };
    ctx.repo
        .change_refs("sync: nothing was replaced", &[change])
        .map(drop)
}

/// The change that puts what is decided about, `commit`, under a ref, as the newest decision.
pub fn decide(ctx: &Context<'_>, commit: Oid) -> Result<RefChange> {
    let decided = decisions(ctx)?;
    let newest = decided.first().and_then(|name| number(name));
    let next = newest.map_or(1, |newest| newest + 1);
    Ok(RefChange {
        name: format!("{DECIDED}{next:06}-{}", ctx.run),
        old: None,
        new: Some(commit),
    })
}

/// The refs of the decisions, newest first. Their numbers tell, as a clock may be set back; names
/// without one are older than any with it, and were given by the clock.
pub fn decisions(ctx: &Context<'_>) -> Result<Vec<String>> {
    let mut names = ctx.repo.refs_below(DECIDED)?;
    names.sort_by(|a, b| (number(b), b).cmp(&(number(a), a)));
    Ok(names)
}

/// Every ref that keeps something that was replaced or decided about.
pub fn all(ctx: &Context<'_>) -> Result<Vec<String>> {
    let mut names = ctx.repo.refs_below(REPLACED)?;
    names.extend(ctx.repo.refs_below(DECIDED)?);
    Ok(names)
}

/// The time of the run that made the ref, by its name, seconds since 1970.
pub fn time(name: &str) -> Option<i64> {
    clock::run_time(run(name)?)
}

/// The run that made the ref, by its name.
pub fn run(name: &str) -> Option<&str> {
    match name.strip_prefix(DECIDED) {
        Some(rest) if number(name).is_some() => Some(rest.split_once('-')?.1),
        Some(rest) => Some(rest),
        None => name.strip_prefix(REPLACED),
    }
}

/// `000012-RUN`; a run begins with a time, which has letters in it.
fn number(name: &str) -> Option<u64> {
    let (number, _) = name.strip_prefix(DECIDED)?.split_once('-')?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{DECIDED, REPLACED, number, time};

    #[test]
    fn only_names_with_a_number_have_one() {
        let of = |name: &str| number(&format!("{DECIDED}{name}"));
        assert_eq!(of("000012-20261121T095907Z-1"), Some(12));
        assert_eq!(of("1000000-20261121T095907Z-1"), Some(1_000_000));
        assert_eq!(of("20261121T095907Z-1"), None);
    }

    #[test]
    fn every_name_tells_the_time_of_its_run() {
        let run = "20261121T095907Z-1";
        for name in [
            format!("{REPLACED}{run}"),
            format!("{REPLACED}{run}-staged-2"),
            format!("{DECIDED}{run}"),
            format!("{DECIDED}000012-{run}"),
        ] {
            assert_eq!(time(&name), Some(1_795_255_147), "{name}");
        }
        assert_eq!(time(&format!("{REPLACED}mine")), None);
    }
}
