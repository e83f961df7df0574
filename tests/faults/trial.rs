//! A scene that is played once undisturbed, and then again and again while something goes wrong.

use super::fault::{Attack, Struck};
use super::scenario::Scenario;
use crate::support::needs;

/// So often a moment is aimed at.
const TRIES: usize = 5;

/// A scene whose command has been run once to its end.
pub(super) struct Trial<'a> {
    scenario: &'a Scenario,
    attack: &'a dyn Attack,
    moments: usize,
}

impl Scenario {
    /// Puts the scene aside and runs its command to the end.
    #[track_caller]
    pub(super) fn undisturbed<'a>(&'a self, attack: &'a dyn Attack) -> Trial<'a> {
        needs("strace");
        self.keep();
        let moments = attack.moments(&self.laptop, self.line);
        assert!(moments > 3, "{}: {moments} moments", attack.name());
        Trial {
            scenario: self,
            attack,
            moments,
        }
    }
}

impl<'a> Trial<'a> {
    /// The scene as it was, and the command struck, at `usual` of its moments, or as many as the
    /// environment says.
    pub(super) fn strikes(&self, usual: usize) -> impl Iterator<Item = Struck> + use<'a> {
        let wish = std::env::var("GIT_SYNC_FAULTS").unwrap_or_default();
        let step = match wish.as_str() {
            "all" => 1,
            text => text
                .parse()
                .unwrap_or_else(|_| self.moments.div_ceil(usual))
                .clamp(1, self.moments),
        };
        let Self {
            scenario, attack, ..
        } = *self;
        // From the middle of the first step on: the first calls are those that load a program.
        let moments = (step.div_ceil(2)..=self.moments).step_by(step);
        moments.map(move |moment| strike(scenario, attack, moment))
    }
}

/// The scene as it was, and its command struck at a moment; once more where that came too late, but not for ever:
/// no two runs are the same.
fn strike(scenario: &Scenario, attack: &dyn Attack, moment: usize) -> Struck {
    let mut tries = 0;
    loop {
        scenario.restore();
        let struck = attack.strike(&scenario.laptop, scenario.line, moment);
        scenario.unlock_the_remote();
        tries += 1;
        if !struck.is_late || tries == TRIES {
            return struck;
        }
    }
}
