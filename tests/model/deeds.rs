//! What people do without the program: in their files, and with git.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::invariants::Violation;
use super::memory;
use super::names::Name;
use super::program::{Move, POLICIES};
use super::world::World;
use crate::support::{Machine, Output};

/// Makes a move, or passes it over where it makes no sense now.
pub(super) fn deed(world: &mut World, who: usize, deed: Move) -> Result<(), Violation> {
    let machine = world.people[who].machine.clone();
    let is_dead = world.people[who].is_dead;
    let repository = machine.git_dir();
    match deed {
        Move::Edit(name, line) => edit(world, &machine, name, line),
        Move::Rewrite(name) => rewrite(world, &machine, name, |line| format!("{line}\n").into()),
        Move::Binary(name) => rewrite(world, &machine, name, |line| format!("\0{line}\0").into()),
        Move::Empty(name) => rewrite(world, &machine, name, |_| Vec::new()),
        Move::Save(name) => save(world, &machine, name),
        Move::Folder(name) => folder(world, &machine, name),
        Move::Link(name) => link(world, &machine, name),
        Move::Delete(name) => remove(&place(&machine, name)),
        Move::Rename(from, to) => rename(&machine, from, to),
        Move::Chmod(name) => chmod(&place(&machine, name)),
        Move::Policy(name, policy) => policies(world, &machine, name, policy),
        Move::Stage(name) if !name.is_at_home() && machine.exists(name.path()) => {
            let mut git = machine.command("git");
            git.args(["add", "--force", "--"]).arg(name.path());
            works(is_dead, &machine.run(git))?;
            world.people[who].staged = memory::staged(&machine);
        }
        Move::Commit => {
            works(is_dead, &machine.try_git(["add", "--all"]))?;
            let words = [
                "commit",
                "--quiet",
                "--allow-empty",
                "--no-verify",
                "-m",
                "by hand",
            ];
            works(is_dead, &machine.try_git(words))?;
            world.people[who].staged = memory::staged(&machine);
            world.memory.look(&machine, &repository);
            world.memory.keep(world.step);
        }
        Move::Gc => {
            works(is_dead, &machine.try_git(["gc", "--quiet", "--prune=now"]))?;
            world.memory.look(&machine, &repository);
            world.memory.keep(world.step);
        }
        // Whether these two get through is the remote's business.
        Move::Fetch => drop(machine.try_git(["fetch", "--quiet"])),
        Move::Push => {
            drop(machine.try_git(["push", "--quiet"]));
            world.memory.look(&machine, world.remote.path());
            world.memory.keep(world.step);
        }
        _ => {}
    }
    Ok(())
}

/// The user's own git works, unless a lock of a run that was killed is in its way: the next run takes it away.
fn works(is_dead: bool, output: &Output) -> Result<(), Violation> {
    if output.code() == 0 || is_dead {
        return Ok(());
    }
    Err(Violation::new("git works", output.scene()))
}

fn place(machine: &Machine, name: Name) -> PathBuf {
    name.below(machine.home(), machine.root())
}

/// Can something be written there: are all folders above it folders, or not there yet?
fn is_free(machine: &Machine, path: &Path) -> bool {
    let above = path.ancestors().skip(1);
    let mut above = above.take_while(|folder| folder.starts_with(machine.home()));
    above.all(|folder| folder.is_dir() || folder.symlink_metadata().is_err())
}

fn make(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("below the home")).expect("own folder");
    fs::write(path, content).expect("own file");
}

/// Takes away whatever stands there.
fn remove(path: &Path) {
    let Ok(found) = path.symlink_metadata() else {
        return;
    };
    let gone = if found.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    gone.expect("own file");
}

/// A new content for a path, as a line.
fn new_line(world: &mut World, machine: &Machine, name: Name) -> String {
    let word = world.memory.word(machine, name.word(), world.step);
    memory::line(word)
}

fn edit(world: &mut World, machine: &Machine, name: Name, at: usize) {
    let path = place(machine, name);
    let nothing = path.symlink_metadata().is_err();
    if !is_free(machine, &path) || !(nothing || path.is_file()) {
        return;
    }
    let text = fs::read(&path).unwrap_or_default();
    if text.contains(&0) {
        return;
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = new_line(world, machine, name);
    let mut lines: Vec<&str> = text.lines().collect();
    match lines.get_mut(at) {
        Some(place) => *place = &line,
        None => lines.push(&line),
    }
    make(&path, lines.join("\n") + "\n");
}

/// Makes what is about to be marked, where nothing is there yet.
pub(super) fn have(world: &mut World, who: usize, name: Name) {
    let machine = world.people[who].machine.clone();
    let path = place(&machine, name);
    // A folder in the home is one with a file in it.
    let file = Name::parse(&format!("{}/a", name.word())).unwrap_or(name);
    if path.symlink_metadata().is_err() {
        edit(world, &machine, file, 0);
    }
}

fn rewrite(world: &mut World, machine: &Machine, name: Name, content: impl Fn(&str) -> Vec<u8>) {
    let path = place(machine, name);
    if !is_free(machine, &path) {
        return;
    }
    // Through a link to a file, as an editor writes; anything else gives way.
    if !path.is_file() {
        remove(&path);
    }
    let line = new_line(world, machine, name);
    make(&path, content(&line));
}

fn save(world: &mut World, machine: &Machine, name: Name) {
    let path = place(machine, name);
    if !is_free(machine, &path) || path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return;
    }
    let line = new_line(world, machine, name);
    let new = path.with_file_name("saved-anew");
    make(&new, line + "\n");
    fs::rename(new, path).expect("own file");
}

fn folder(world: &mut World, machine: &Machine, name: Name) {
    let path = place(machine, name);
    if !is_free(machine, &path) || path.is_dir() {
        return;
    }
    remove(&path);
    let line = new_line(world, machine, name);
    make(&path.join("inside"), line + "\n");
}

fn link(world: &mut World, machine: &Machine, name: Name) {
    let path = place(machine, name);
    if !is_free(machine, &path) {
        return;
    }
    remove(&path);
    let line = new_line(world, machine, name);
    fs::create_dir_all(path.parent().expect("below the home")).expect("own folder");
    symlink(format!("to {line}"), path).expect("a free name");
}

fn rename(machine: &Machine, from: Name, to: Name) {
    let (old, new) = (place(machine, from), place(machine, to));
    let is_taken = new.symlink_metadata().is_ok() || old.symlink_metadata().is_err();
    if from.is_at_home()
        || to.is_at_home()
        || is_taken
        || new.starts_with(&old)
        || !is_free(machine, &new)
    {
        return;
    }
    fs::create_dir_all(new.parent().expect("below the home")).expect("own folder");
    fs::rename(old, new).expect("own file");
}

fn chmod(path: &Path) {
    let Ok(found) = path.metadata() else {
        return;
    };
    if found.is_file() {
        let other = fs::Permissions::from_mode(found.permissions().mode() ^ 0o111);
        fs::set_permissions(path, other).expect("own file");
    }
}

fn policies(world: &mut World, machine: &Machine, name: Name, policy: usize) {
    let Some(pattern) = name.pattern() else {
        return;
    };
    let word = world.memory.word(machine, "a policy", world.step);
    let (word, policy) = (memory::line(word), POLICIES[policy]);
    machine.write(
        ".sync/config.yaml",
        format!("version: 1\npolicies:\n  \"{pattern}\": {policy}\n# {word}\n"),
    );
}
