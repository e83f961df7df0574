//! What a backup says of itself: when and why it was made, and what is in it.
//!
//! A backup is a tar archive, compressed in pieces. In it, `repo/` is the work tree, `home/` is what is
//! marked outside of it, and `git-sync-backup/` is the list of both, as text.

use super::path::RepoPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of the format that this program writes and understands.
pub const VERSION: u32 = 1;

/// What is in the work tree.
pub const REPO: &str = "repo";

/// What is marked, or about to be overwritten, in the home.
pub const HOME: &str = "home";

/// Our own lists.
pub const LISTS: &str = "git-sync-backup";

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Before a sync.
    #[default]
    Sync,
    /// Before the remote is made equal to this machine.
    ForcePush,
    /// Before this machine is made equal to the remote.
    ForcePull,
    /// Before a decision about held paths, or before it is taken back.
    Resolve,
    /// Before paths are marked.
    Mark,
    /// Before marked paths become files of their own.
    Unmark,
    /// Before another backup is restored.
    Restore,
    /// Somebody asked for it.
    Hand,
}

impl Reason {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sync => "before sync",
            Self::ForcePush => "before force-push",
            Self::ForcePull => "before force-pull",
            Self::Resolve => "before resolve",
            Self::Mark => "before mark",
            Self::Unmark => "before unmark",
            Self::Restore => "before restore",
            Self::Hand => "by hand",
        }
    }
}

/// What is known of a backup without reading its list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    pub version: u32,
    /// The newest has the highest, whatever the clock says.
    pub number: u64,
    /// When it was made, RFC 3339.
    pub time: String,
    /// Why.
    pub reason: Reason,
    /// The machine.
    pub machine: String,
    /// The top of the work tree.
    pub repository: Option<RepoPath>,
    /// The home of the user.
    pub home: Option<RepoPath>,
    /// The last commit.
    pub head: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// Files and links in it.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// What could not be read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<(RepoPath, String)>,
}

/// What something in a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// Another name of a file that comes before it.
    Hard,
}

/// What tells without reading a file whether it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The inode.
    pub ino: u64,
    /// When anything of it was changed last: seconds, nanoseconds.
    pub ctime: (i64, u32),
}

/// Something in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the archive.
    pub path: RepoPath,
    /// What it is.
    pub kind: Kind,
    /// Its permissions.
    pub mode: u32,
    /// When it was written: seconds, nanoseconds.
    pub mtime: (i64, u32),
    /// The size of a file.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub size: u64,
    /// The digest of the content of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where a link leads to; of another name, the name in the archive that comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<RepoPath>,
    /// None where the file is too young for it to be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// Has the file holes?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sparse: bool,
    /// It was being written all the while: what is here may be half of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub torn: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Entry {
    /// Was what `now` was found to be changed since this was taken? Where that cannot be told without
    /// reading it: yes. The time of a folder is no change: every file that is replaced in it sets it.
    pub fn is_same(&self, now: &Self) -> bool {
        let same = self.path == now.path
            && self.kind == now.kind
            && self.mode == now.mode
            && self.link == now.link
            && !self.torn;
        same && match self.kind {
            Kind::Folder => true,
            Kind::Link | Kind::Hard => self.mtime == now.mtime,
            Kind::File => {
                self.stamp.is_some()
                    && self.stamp == now.stamp
                    && (self.size, self.mtime) == (now.size, now.mtime)
            }
        }
    }
}

/// The part of a name below `repo/` or `home/`, where it is in the one that `root` names.
pub fn below(name: &RepoPath, root: &str) -> Option<RepoPath> {
    let rest = name.as_bytes().strip_prefix(root.as_bytes())?;
    Some(RepoPath::from_bytes(rest.strip_prefix(b"/")?))
}

/// A piece of an archive that is compressed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Where it begins in the archive.
    pub offset: u64,
    /// So many bytes it has there.
    pub length: u64,
    /// And so many unpacked.
    pub plain: u64,
    /// The digest of what is in the archive.
    pub sha256: String,
    /// So many entries begin in it; none where a file goes on.
    pub entries: usize,
}

/// Everything in a backup, in its order, with the pieces that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The pieces.
    pub chunks: Vec<Chunk>,
    /// What is in them.
    pub entries: Vec<Entry>,
}

impl Listing {
    /// What makes it no backup of ours, if anything does: names that lead elsewhere, or through a link.
    pub fn trouble(&self) -> Option<String> {
        let mut folders = BTreeSet::new();
        let mut files = BTreeSet::new();
        let mut last: Option<&RepoPath> = None;
        for entry in &self.entries {
            let path = &entry.path;
            let in_order = last.is_none_or(|last| last < path);
            last = Some(path);
            let through = path
                .parents()
                .any(|above| files.contains(&above) && !folders.contains(&above));
            if !in_order || !may_have(path) || through {
                return Some(format!("'{path}' is not the name of anything in a backup"));
            }
            let has_target = matches!(entry.kind, Kind::Link | Kind::Hard);
            if entry.link.is_some() != has_target {
                return Some(format!("'{path}' is not what it says"));
            }
            files.insert(path.clone());
            match (&entry.kind, &entry.link) {
                (Kind::Folder, _) => drop(folders.insert(path.clone())),
                (Kind::Hard, Some(first)) if first >= path => {
                    return Some(format!("'{path}' is another name of nothing before it"));
                }
                _ => {}
            }
        }
        None
    }

    /// Something in it, by its name.
    pub fn get(&self, path: &RepoPath) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|e| e.path.cmp(path)).ok()?;
        self.entries.get(at)
    }

    /// What has the content of an entry: of another name, the file that comes first.
    pub fn content_of<'a>(&'a self, entry: &'a Entry) -> Option<&'a Entry> {
        match &entry.link {
            Some(first) if entry.kind == Kind::Hard => {
                self.get(first).filter(|first| first.kind == Kind::File)
            }
            _ => Some(entry),
        }
    }

    /// Each piece with the number of its first entry.
    pub fn firsts(&self) -> impl Iterator<Item = (usize, &Chunk)> {
        self.chunks.iter().scan(0, |first, chunk| {
            let here = *first;
            *first += chunk.entries;
            Some((here, chunk))
        })
    }
}

/// Is it the name of something that a backup may have? Nothing that leads out of it, and nothing that
/// git or this program live on.
pub fn may_have(path: &RepoPath) -> bool {
    let leads = |name: &[u8]| matches!(name, b"" | b"." | b"..") || name.contains(&0);
    let mut names = path.as_bytes().split(|byte| *byte == b'/');
    let inside = names
        .next()
        .is_some_and(|root| [REPO.as_bytes(), HOME.as_bytes()].contains(&root));
    let in_repository = below(path, REPO);
    let lived_on = in_repository.is_some_and(|path| path.stands_for_git() || path.is_private());
    inside && !lived_on && !names.any(leads)
}

/// Why a backup is kept until somebody lets it go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// In words.
    pub why: String,
    /// It goes with the decision about these held paths; where there are none, by hand only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<RepoPath>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged, path};
    use proptest::prelude::*;

    fn entry() -> Entry {
        Entry {
            path: RepoPath::from_bytes(&b"repo/a\n\xff"[..]),
            kind: Kind::File,
            mode: 0o600,
            mtime: (7, 9),
            size: 3,
            sha256: Some("00".to_owned()),
            link: None,
            stamp: Some(Stamp {
                ino: 1,
                ctime: (8, 1),
            }),
            sparse: false,
            torn: false,
        }
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        let text = serde_json::to_string(&entry()).expect("written");
        assert_eq!(serde_json::from_str::<Entry>(&text).expect("read"), entry());
    }

    #[test]
    fn names_that_lead_elsewhere_are_no_backup() {
        use Kind::{File, Folder, Hard, Link};
        let of = |names: &[(&str, Kind)]| {
            let entries = names.iter().map(|(name, kind)| Entry {
                path: RepoPath::from_bytes(*name),
                kind: *kind,
                link: (*kind == Link || *kind == Hard).then(|| RepoPath::from_bytes("repo/a")),
                ..entry()
            });
            let listing = Listing {
                entries: entries.collect(),
                chunks: Vec::new(),
            };
            listing.trouble()
        };
        let good = [
            ("home/.rc", File),
            ("repo", Folder),
            ("repo/a", File),
            ("repo/b", Hard),
            ("repo/c", Folder),
            ("repo/c/d", Link),
            ("repo/.sync/config.yaml", File),
        ];
        let mut sorted = good;
        sorted.sort_by_key(|(name, _)| name.as_bytes().to_vec());
        assert_eq!(of(&sorted), None);
        for bad in [
            &[("repo/../a", File)][..],
            &[("/etc/passwd", File)],
            &[("etc/passwd", File)],
            &[("repo//a", File)],
            &[("repo/./a", File)],
            &[("home/..", File)],
            &[("repo/.git/hooks/post-commit", File)],
            &[("repo/a/.GIT/config", File)],
            &[("repo/.sync/state", File)],
            &[("repo/a", Link), ("repo/a/b", File)],
            &[("repo/a", File), ("repo/a/b", File)],
            &[("repo/b", File), ("repo/a", File)],
            &[("repo/a", File), ("repo/a", Link)],
            &[("repo/a", Hard)],
        ] {
            assert!(of(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn every_change_of_a_file_is_seen() {
        let before = entry();
        assert!(before.is_same(&entry()));
        let changes: [fn(&mut Entry); 6] = [
            |entry| entry.mode = 0o644,
            |entry| entry.size = 4,
            |entry| entry.mtime.1 = 8,
            |entry| entry.kind = Kind::Link,
            |entry| entry.stamp = None,
            |entry| entry.stamp = entry.stamp.map(|stamp| Stamp { ino: 2, ..stamp }),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut now = entry();
            change(&mut now);
            assert!(!before.is_same(&now), "change {number}");
        }
        let young = Entry {
            stamp: None,
            ..entry()
        };
        assert!(!young.is_same(&young), "too young to be believed");
    }

    #[test]
    fn a_path_is_below_one_root_alone() {
        let name = entry().path;
        let below = |root| below(&name, root).map(|path| path.as_bytes().to_vec());
        assert_eq!(below(REPO), Some(b"a\n\xff".to_vec()));
        assert_eq!(below(HOME), None);
        assert_eq!(below("rep"), None);
    }

    const LINE: &str = r#"{"path":"repo/a\n","kind":"file","mode":384,"mtime":[1700000000,5],"size":3,"sha256":"00","link":"repo/b","stamp":{"ino":1,"ctime":[8,1]},"sparse":true,"torn":true}"#;

    /// An entry of anything.
    fn any_entry() -> impl Strategy<Value = Entry> {
        let kind = prop_oneof![
            Just(Kind::File),
            Just(Kind::Folder),
            Just(Kind::Link),
            Just(Kind::Hard)
        ];
        let stamp = proptest::option::of(
            any::<(u64, (i64, u32))>().prop_map(|(ino, ctime)| Stamp { ino, ctime }),
        );
        let link = proptest::option::of(path());
        let sha256 = proptest::option::of("[0-9a-f]{0,64}");
        (
            path(),
            kind,
            any::<(u32, (i64, u32), u64, bool, bool)>(),
            sha256,
            link,
            stamp,
        )
            .prop_map(
                |(path, kind, (mode, mtime, size, sparse, torn), sha256, link, stamp)| Entry {
                    path,
                    kind,
                    mode,
                    mtime,
                    size,
                    sha256,
                    link,
                    stamp,
                    sparse,
                    torn,
                },
            )
    }

    proptest! {
        #[test]
        fn every_entry_is_read_as_it_is_written(entry in any_entry()) {
            let text = serde_json::to_string(&entry).expect("written");
            prop_assert_eq!(serde_json::from_str::<Entry>(&text).expect("read"), entry);
        }

        #[test]
        fn a_damaged_entry_is_read_or_refused(text in bytes(), other in damaged(LINE)) {
            for text in [text, other] {
                drop(serde_json::from_slice::<Entry>(&text));
                drop(serde_json::from_slice::<Head>(&text));
                drop(serde_json::from_slice::<Pin>(&text));
                drop(serde_json::from_slice::<Chunk>(&text));
            }
        }

        /// Whatever a list says: what is taken for a backup has no name that leads out of it, and nothing
        /// below anything that is no folder.
        #[test]
        fn a_list_that_is_taken_leads_nowhere(
            entries in proptest::collection::vec((any_entry(), 0..4_usize), 0..8),
            sorted in any::<bool>(),
        ) {
            let prefix = ["repo/", "home/", "", "repo/external/"];
            let mut entries: Vec<_> = entries.into_iter().map(|(entry, at)| {
                let path = [prefix[at].as_bytes(), entry.path.as_bytes()].concat();
                Entry { path: RepoPath::from_bytes(path), ..entry }
            }).collect();
            if sorted {
                entries.sort_by(|a, b| a.path.cmp(&b.path));
            }
            let listing = Listing { entries, chunks: Vec::new() };
            let trouble = listing.trouble();
            for entry in &listing.entries {
                listing.content_of(entry);
                let names: Vec<_> = entry.path.as_bytes().split(|byte| *byte == b'/').collect();
                let leads = names.iter().any(|name| matches!(*name, b"" | b"." | b".."));
                let inside = matches!(names[0], b"repo" | b"home");
                let gits = names[0] == b"repo" && names.iter().any(|name| name.eq_ignore_ascii_case(b".git"));
                prop_assert!(trouble.is_some() || (inside && !leads && !gits));
                let above = |other: &&Entry| other.kind != Kind::Folder && other.path.is_above(&entry.path);
                prop_assert!(trouble.is_some() || listing.entries.iter().find(above).is_none());
            }
        }
    }
}
