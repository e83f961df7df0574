//! Does the newest backup really restore, and is it where it survives?

use super::Finding;
use crate::error::Result;
use crate::model::skipped::in_words;
use crate::ops::Context;
use crate::ops::backup;

pub(super) fn look(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    if !ctx.settings.backup.enabled {
        return Ok(vec![
            Finding::warning("backups", "none are made")
                .fix("git config --unset sync.backup   makes them again"),
        ]);
    }
    if backup::list(ctx)?.all.is_empty() {
        return Ok(vec![
            Finding::warning("backups", "there is none yet").fix("git sync --backup-only"),
        ]);
    }
    let found = backup::verify(ctx)?;
    let mut findings = vec![Finding::good(
        "backups",
        format!("the newest, {}, restores: {} files", found.id, found.files),
    )];
    if let Some(folder) = found.inside {
        let folder = folder.display();
        findings.push(
            Finding::warning(
                "backups",
                format!("'{folder}' is in the repository: whoever removes one removes both"),
            )
            .fix("git config --unset sync.backupDir   keeps them in your state folder"),
        );
    }
    if let Some(free) = found.full {
        let text = format!("{} left where they are", in_words(free));
        findings.push(Finding::bad("backups", text).fix("make room, or set sync.backupDir"));
    }
    Ok(findings)
}
