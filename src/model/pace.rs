//! When a watch looks, and when it syncs: what happens goes in, and what is to be done next comes out.
//!
//! Nothing here waits or asks for the time. Moments are spans since any fixed one, by a clock that nobody sets
//! and that goes on while the machine sleeps.

use std::time::Duration;

/// A storm of changes that does not end is looked at after so many delays.
const STORM: u32 = 10;

/// What keeps a sync from beginning is looked at again after this; twice as long every time.
const AGAIN: Duration = Duration::from_secs(1);

/// At the latest after this.
const AGAIN_AT_LAST: Duration = Duration::from_secs(30);

/// After a sync that could not do all of it, it is tried again after this; twice as long every time.
const RETRY: Duration = Duration::from_secs(30);

/// At the latest after this, or when the remote is asked anyway.
const RETRY_AT_LAST: Duration = Duration::from_secs(900);

/// Where changes are not told, they are looked for no more often than this.
const POLL: Duration = Duration::from_secs(1);

/// How fast a watch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tempo {
    /// So long must be quiet after a change.
    pub delay: Duration,
    /// So often is the remote asked where nothing changes here; `None`: never.
    pub interval: Option<Duration>,
}

impl Tempo {
    /// The longest that changes keep a sync waiting.
    pub fn storm(self) -> Duration {
        self.delay.saturating_mul(STORM)
    }

    /// How often is looked where changes are not told.
    pub fn poll(self) -> Duration {
        self.delay.saturating_mul(2).max(POLL)
    }
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Look whether there is anything to sync.
    Look,
    /// Sync, whatever a look finds: the remote is to be asked.
    Ask,
    /// Wait for so long, or for what happens; `None`: only for that.
    Wait(Option<Duration>),
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All was done that can be done.
    Done,
    /// Something was not, and may be another time; with it: does anything wait to be sent?
    InVain {
        /// Does it?
        waiting: bool,
    },
}

/// What a watch knows of the past.
#[derive(Debug, Clone)]
pub struct Pace {
    tempo: Tempo,
    /// The first and the last of the changes that were not looked at.
    unseen: Option<(Duration, Duration)>,
    /// When is looked in any case.
    again: Option<Duration>,
    /// When the remote is asked.
    ask: Option<Duration>,
    /// When changes that nobody tells are looked for, while that is so.
    poll: Option<Duration>,
    /// Looks in a row that found a sync kept from beginning.
    kept: u32,
    /// Syncs in a row that could not do all of it.
    in_vain: u32,
    /// Syncs in a row that ended with more to do.
    echoes: u32,
}

impl Pace {
    /// A watch that begins at `now`, with a sync.
    pub fn new(tempo: Tempo, now: Duration) -> Self {
        Self {
            tempo,
            unseen: None,
            again: None,
            ask: Some(now),
            poll: None,
            kept: 0,
            in_vain: 0,
            echoes: 0,
        }
    }

    /// From now on it is as fast as this.
    pub fn follow(&mut self, tempo: Tempo, now: Duration) {
        if tempo == self.tempo {
            return;
        }
        if tempo.interval != self.tempo.interval {
            self.ask = tempo.interval.map(|interval| now + interval);
        }
        self.tempo = tempo;
    }

    /// Something has changed.
    pub fn touched(&mut self, now: Duration) {
        let first = self.unseen.map_or(now, |(first, _)| first);
        self.unseen = Some((first, now));
    }

    /// From now on nobody tells all changes, or somebody does again.
    pub fn polls(&mut self, polls: bool, now: Duration) {
        match (polls, self.poll) {
            (true, None) => self.poll = Some(now + self.tempo.poll()),
            (false, _) => self.poll = None,
            (true, Some(_)) => {}
        }
    }

    /// The machine has slept: what could not be reached before may be there again.
    pub fn woke(&mut self, now: Duration) {
        self.in_vain = 0;
        let soon = now + self.tempo.delay;
        self.ask = self.ask.map(|ask| ask.min(soon));
    }

    /// What is to be done at `now`.
    pub fn next(&self, now: Duration) -> Step {
        if self.ask.is_some_and(|ask| ask <= now) {
            return Step::Ask;
        }
        let quiet = self.unseen.map(|(first, last)| {
            let storm = first + self.tempo.storm();
            (last + self.tempo.delay).min(storm)
        });
        let look = [quiet, self.again, self.poll].into_iter().flatten().min();
        if look.is_some_and(|look| look <= now) {
            return Step::Look;
        }
        let next = look.into_iter().chain(self.ask).min();
        Step::Wait(next.map(|next| next.saturating_sub(now)))
    }

    /// All that has changed by now was looked at.
    pub fn looked(&mut self, now: Duration) {
        self.unseen = None;
        self.again = None;
        self.kept = 0;
        self.poll = self.poll.map(|_| now + self.tempo.poll());
    }

    /// Something keeps a sync from beginning; how often in a row by now.
    pub fn kept(&mut self, now: Duration) -> u32 {
        let pause = doubled(AGAIN, self.kept, AGAIN_AT_LAST);
        let kept = self.kept + 1;
        self.looked(now);
        self.kept = kept;
        self.again = Some(now + pause);
        self.ask = self.ask.map(|ask| ask.max(now + pause));
        kept
    }

    /// A sync has ended.
    pub fn ended(&mut self, end: End, now: Duration) {
        self.looked(now);
        self.echoes = 0;
        self.ask = self.tempo.interval.map(|interval| now + interval);
        match end {
            End::Done => self.in_vain = 0,
            End::InVain { waiting } => {
                let last = RETRY_AT_LAST.max(self.tempo.interval.unwrap_or_default());
                let pause = doubled(RETRY, self.in_vain, last);
                self.in_vain += 1;
                if waiting || self.ask.is_some() {
                    self.ask = Some(now + pause);
                }
            }
        }
    }

    /// After a sync there is something to sync that it did not have before it: it was saved meanwhile, or the
    /// sync itself leaves more to do every time. The second must not go on without a pause.
    pub fn echoed(&mut self, echoes: u32, now: Duration) -> u32 {
        let pause = doubled(self.tempo.delay, echoes, self.tempo.storm());
        self.again = Some(now + pause);
        self.echoes = echoes + 1;
        self.echoes
    }

    /// How many syncs in a row ended with more to do.
    pub fn echoes(&self) -> u32 {
        self.echoes
    }
}

fn doubled(first: Duration, times: u32, last: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A watch that has synced at 0, with a delay of 3 seconds and an interval of 300.
    fn synced() -> Pace {
        let tempo = Tempo {
            delay: secs(3),
            interval: Some(secs(300)),
        };
        let mut pace = Pace::new(tempo, secs(0));
        assert_eq!(pace.next(secs(0)), Step::Ask, "it begins with a sync");
        pace.ended(End::Done, secs(0));
        pace
    }

    fn waits(seconds: u64) -> Step {
        Step::Wait(Some(secs(seconds)))
    }

    #[test]
    fn a_change_is_looked_at_when_it_is_quiet() {
        let mut pace = synced();
        assert_eq!(pace.next(secs(1)), waits(299));
        pace.touched(secs(10));
        assert_eq!(pace.next(secs(10)), waits(3));
        pace.touched(secs(12));
        assert_eq!(pace.next(secs(13)), waits(2));
        assert_eq!(pace.next(secs(15)), Step::Look);
        pace.looked(secs(15));
        assert_eq!(pace.next(secs(15)), waits(285));
    }

    #[test]
    fn a_storm_that_does_not_end_is_looked_at_all_the_same() {
        let mut pace = synced();
        let mut looks = Vec::new();
        for now in 10..80 {
            pace.touched(secs(now));
            if pace.next(secs(now)) == Step::Look {
                looks.push(now);
                pace.looked(secs(now));
            }
        }
        assert_eq!(looks, [40, 71]);
    }

    #[test]
    fn the_remote_is_asked_every_so_often_or_never() {
        let mut pace = synced();
        assert_eq!(pace.next(secs(300)), Step::Ask);
        pace.ended(End::Done, secs(302));
        assert_eq!(pace.next(secs(302)), waits(300));
        let never = Tempo {
            delay: secs(3),
            interval: None,
        };
        pace.follow(never, secs(303));
        assert_eq!(pace.next(secs(303)), Step::Wait(None));
        pace.ended(End::Done, secs(304));
        assert_eq!(pace.next(secs(9999)), Step::Wait(None));
    }

    #[test]
    fn who_is_offline_asks_less_and_less_often() {
        let mut pace = synced();
        let mut now = secs(300);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert_eq!(pace.next(now), Step::Ask);
            pace.ended(End::InVain { waiting: false }, now);
            let Step::Wait(Some(pause)) = pace.next(now) else {
                panic!("it waits");
            };
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900, 900]);
        pace.ended(End::Done, now);
        pace.ended(End::InVain { waiting: false }, now);
        assert_eq!(
            pace.next(now),
            waits(30),
            "what was reached once counts anew"
        );
    }

    #[test]
    fn what_waits_to_be_sent_is_tried_again_also_where_the_remote_is_never_asked() {
        let tempo = Tempo {
            delay: secs(3),
            interval: None,
        };
        let mut pace = Pace::new(tempo, secs(0));
        pace.ended(End::InVain { waiting: false }, secs(0));
        assert_eq!(pace.next(secs(0)), Step::Wait(None));
        pace.ended(End::InVain { waiting: true }, secs(0));
        assert_eq!(pace.next(secs(0)), waits(60));
    }

    #[test]
    fn what_keeps_a_sync_from_beginning_is_looked_at_again() {
        let mut pace = synced();
        let mut now = secs(300);
        let mut pauses = Vec::new();
        for times in 1..8 {
            assert_ne!(pace.next(now), Step::Wait(None));
            assert_eq!(pace.kept(now), times);
            let Step::Wait(Some(pause)) = pace.next(now) else {
                panic!("it waits");
            };
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pace.next(now), Step::Ask, "what was due is not forgotten");
        pace.looked(now);
        assert_eq!(pace.kept(now), 1);
    }

    #[test]
    fn a_sync_that_leaves_more_to_do_every_time_gets_slower() {
        let mut pace = synced();
        let mut now = secs(10);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let echoes = pace.echoes();
            pace.ended(End::Done, now);
            pace.echoed(echoes, now);
            let Step::Wait(Some(pause)) = pace.next(now) else {
                panic!("it waits");
            };
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [3, 6, 12, 24, 30, 30]);
        pace.ended(End::Done, now);
        assert_eq!(pace.echoes(), 0);
    }

    #[test]
    fn who_wakes_up_asks_soon() {
        let mut pace = synced();
        for _ in 0..5 {
            pace.ended(End::InVain { waiting: false }, secs(100));
        }
        assert_eq!(pace.next(secs(100)), waits(480));
        pace.woke(secs(200));
        assert_eq!(pace.next(secs(200)), waits(3));
        pace.ended(End::InVain { waiting: false }, secs(203));
        assert_eq!(pace.next(secs(203)), waits(30));
    }

    #[test]
    fn where_changes_are_not_told_they_are_looked_for() {
        let mut pace = synced();
        pace.polls(true, secs(10));
        assert_eq!(pace.next(secs(10)), waits(6));
        pace.polls(true, secs(12));
        assert_eq!(pace.next(secs(16)), Step::Look);
        pace.looked(secs(16));
        assert_eq!(pace.next(secs(16)), waits(6));
        pace.polls(false, secs(17));
        assert_eq!(pace.next(secs(17)), waits(283));
    }
}
