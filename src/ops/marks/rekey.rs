//! Those that encrypted marks are encrypted for: this machine and others are added, and what is there is
//! encrypted for all of them anew.

use super::absorb::clear;
use super::mark::{Options, Outcome, subject};
use super::sealed::{self, Opened};
use super::{Finding, Marks};
use crate::error::{Error, Result};
use crate::model::cure::{Cure, Live, Trouble};
use crate::model::mark::Mark;
use crate::model::recipients::RECIPIENTS;
use crate::ops::guard::Ready;
use crate::ops::held::Holding;
use crate::ops::screen::Screen;
use crate::ops::{Context, guard};
use crate::store::keys;
use crate::sys::age;
use crate::sys::fs::{self, Durable};
use crate::sys::tree::{self, Tree};
use std::path::PathBuf;

/// A key that was made for this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The file with it.
    pub path: PathBuf,
    /// What others encrypt for.
    pub recipient: String,
}

/// Adds a recipient, or encrypts everything anew, or both.
pub(super) fn rekey(ctx: &Context<'_>, ready: &Ready, options: &Options) -> Result<Outcome> {
    let mut outcome = Outcome {
        has_remote: ready.upstream.is_some(),
        ..Outcome::default()
    };
    let mut marks = Marks::open_or_new(ctx)?;
    if let Some(home) = marks.other_home() {
        return Err(super::mark::other_home(&marks, &home.clone()));
    }
    marks.recover()?;
    let mut ready = ready.clone();
    if let Some(recipient) = &options.add_recipient {
        match recipient {
            None => marks.enrol(&mut outcome)?,
            Some(recipient) => marks.add_recipient(recipient, "added by hand", &mut outcome)?,
        }
        let committed = marks.commit(&ready, &[], "add a recipient", &Screen::of(ctx))?;
        outcome.committed += committed.changes.len();
        ready = guard::check(ctx)?;
    }
    if options.rekey {
        marks.rekey(&ready, &mut outcome)?;
    }
    Ok(outcome)
}

impl Marks<'_, '_> {
    /// Makes sure that this machine can read what it encrypts: it has a key, and is a recipient.
    pub(super) fn enrol(&mut self, outcome: &mut Outcome) -> Result<()> {
        let ctx = self.ctx;
        is_shared(ctx)?;
        let mut own = keys::read(ctx.repo, &ctx.settings)?.recipients();
        if own.is_empty() {
            let (path, recipient) = keys::create(ctx.repo, &ctx.settings, &ctx.machine.id)?;
            own.push(recipient.clone());
            outcome.key = Some(NewKey { path, recipient });
        }
        self.keys = keys::read(ctx.repo, &ctx.settings)?;
        let list = sealed::list(ctx)?;
        match own.first() {
            Some(first) if !own.iter().any(|key| list.has(key)) => {
                self.add_recipient(first, &ctx.machine.id, outcome)
            }
            _ => Ok(()),
        }
    }

    fn add_recipient(&self, recipient: &str, whose: &str, outcome: &mut Outcome) -> Result<()> {
        let ctx = self.ctx;
        is_shared(ctx)?;
        if !age::is_recipient(recipient) {
            return Err(Error::blocked(format!("'{recipient}' is no age recipient"))
                .hint(
                    "recipients begin with 'age1'; those of plugins and of ssh are not known here",
                )
                .hint("nothing was changed"));
        }
        let mut list = sealed::list(ctx)?;
        if !list.has(recipient) {
            list.add(recipient, whose);
            ctx.layout.create()?;
            let path = ctx.repo.top().join(RECIPIENTS);
            fs::write_atomic(&path, list.text().as_bytes(), Durable::Yes)?;
            outcome.recipient = Some(recipient.to_owned());
        }
        Ok(())
    }

    /// Encrypts all encrypted marks anew, for those that are recipients now.
    fn rekey(&mut self, ready: &Ready, outcome: &mut Outcome) -> Result<()> {
        let ctx = self.ctx;
        let held = Holding::load(ctx, &ready.branch.name)?.set;
        // Before anything is changed.
        let recipients = sealed::recipients(ctx)?.count();
        let all = self.manifest.marks().filter(|mark| self.is_sealed(mark));
        let all: Vec<_> = all.cloned().collect();
        let all: Vec<_> = all
            .iter()
            .flat_map(|mark| self.manifest.versions(mark))
            .collect();
        for mark in &all {
            if fs::look(&self.copy(mark))?.is_none() {
                continue;
            }
            let left = if held.covers(&mark.copy()) {
                Some((Cure::Ask, "it is held".to_owned()))
            } else {
                self.rekey_one(mark)?
            };
            match left {
                None => outcome.rekeyed.push(mark.clone()),
                Some((cure, why)) => outcome.findings.push(Finding {
                    mark: mark.clone(),
                    cure,
                    left: Some(why),
                    replaced: 0,
                }),
            }
        }
        outcome.recipients = recipients;
        let what = subject("encrypt anew", &outcome.rekeyed);
        let committed = self.commit(ready, &outcome.rekeyed, &what, &Screen::of(ctx))?;
        outcome.committed += committed.changes.len();
        outcome.skipped = committed.skipped;
        Ok(())
    }

    /// Encrypts those versions of a mark that other machines have, and that are in plain; which.
    pub(super) fn encrypt_other_versions(&mut self, mark: &Mark) -> Result<Vec<Mark>> {
        let here = self.manifest.get(mark.below_home()).cloned();
        let others = self.manifest.versions(mark).into_iter();
        let mut encrypted = Vec::new();
        for other in others.filter(|other| Some(other) != here.as_ref()) {
            let copy = self.copy(&other);
            let Some(content) = Tree::of(&copy)? else {
                continue;
            };
            let mut is_plain = true;
            for (inside, _) in content.nodes() {
                let file = tree::below(&copy, inside);
                let is_file = fs::look(&file)?.is_some_and(|found| found.is_file());
                is_plain &= !is_file || !age::is_encrypted_file(&file)?;
            }
            if is_plain {
                let partial = self.stage(&other)?.with_extension("part");
                clear(&partial)?;
                self.seal(&copy, &content, &partial)?;
                if !self.exchange(&other, &content, &partial)? {
                    return Err(Error::blocked(format!(
                        "the copy of '{mark}' is being written"
                    )));
                }
                self.tidy();
                encrypted.push(other);
            }
        }
        Ok(encrypted)
    }

    /// Why it is left, where it is.
    fn rekey_one(&mut self, mark: &Mark) -> Result<Option<(Cure, String)>> {
        let trouble = match self.opened(mark, &self.copy(mark))? {
            Opened::Content { .. } => {
                self.encrypt(mark, true)?;
                return Ok(None);
            }
            Opened::Closed(Trouble::Damaged) if self.encrypt_live(mark)? => return Ok(None),
            Opened::Closed(trouble) => trouble,
            Opened::Nothing => Trouble::OddCopy,
        };
        let words = match trouble {
            Trouble::OddCopy => "the repository has nothing of it here".to_owned(),
            trouble => sealed::words(trouble).to_owned(),
        };
        Ok(Some((Cure::Report(trouble), words)))
    }

    /// In the place of a copy that is damaged: what stands here, where there is something.
    fn encrypt_live(&mut self, mark: &Mark) -> Result<bool> {
        let live = mark.live(&self.home);
        let known = self.remembered(mark);
        let stands = known.is_some_and(|known| known.variant.as_deref() == mark.variant());
        if !stands || !matches!(self.live(mark)?, Live::Content(_)) {
            return Ok(false);
        }
        let Some(content) = Tree::of(&live)? else {
            return Ok(false);
        };
        if !self.fill(mark, &live, &content)? {
            return Err(Error::blocked(format!("'{mark}' is being written")));
        }
        self.tidy();
        self.remember_copy(mark)?;
        Ok(true)
    }
}

/// Checks that the list of recipients would be committed: nobody else could encrypt for them.
fn is_shared(ctx: &Context<'_>) -> Result<()> {
    match ctx.repo.ignored(&[RECIPIENTS])?.pop() {
        Some(verdict) if verdict.ignored => Err(Error::blocked(format!(
            "'{RECIPIENTS}' would not be committed"
        ))
        .because(verdict.rule.unwrap_or_default())
        .hint("git sync --setup   adds the rule that takes it in")
        .hint("nothing was changed")),
        _ => Ok(()),
    }
}
