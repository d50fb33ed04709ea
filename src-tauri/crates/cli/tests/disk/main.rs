//! The real program on a disk that fails at any step, fills up, or loses its power, between an import and an export.
//!
//! Each case is drawn from a seed: a command (setting up, importing, exporting, giving the vault new keys), what goes wrong,
//! and at which step. Afterwards the program is started again on a good disk, and what must always hold is looked at: it
//! opens, or says what is wrong; nobody is there twice and nobody is missing, on either side; links are one to one; what was
//! said to be done is there; a second run changes nothing; the repository's file is sound; and no file holds a secret.
//!
//! `CONCORD_KILLS=1000` kills so often, `CONCORD_DISKS=1000` lets so many disks fail. A case that fails prints how to repeat
//! it alone.

#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

#[path = "../../../engine/tests/world/dice.rs"]
mod dice;
#[path = "../commands/house.rs"]
#[allow(dead_code, reason = "this program needs a part of it")]
mod house;
mod image;
#[path = "../shared/kill.rs"]
mod kill;
mod lane;
mod shim;

use std::{collections::BTreeMap, env, thread};

use dice::Dice;
use house::{House, Ran};
use lane::{Blow, Lane};
use shim::Trouble;

/// Says how a failed case is repeated.
struct Repeat {
    test: &'static str,
    seed: u64,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "to repeat this case: CONCORD_SEED={} cargo test -p cli --test disk {}",
                self.seed, self.test
            );
        }
    }
}

/// Looks at `count` cases, or as many as the variable says. Half of them have e-mail addresses to find a contact by.
async fn cases(
    test: &'static str,
    variable: &str,
    count: u64,
    blow: impl Fn(&mut Dice, &lane::Measure) -> Blow,
) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("CONCORD_FIRST").unwrap_or(0);
    let seeds = match number("CONCORD_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + number(variable).unwrap_or(count),
    };
    let mut lanes: [Option<Lane>; 2] = [None, None];
    let mut struck: BTreeMap<String, u64> = BTreeMap::new();
    let asked = seeds.end - seeds.start;
    for seed in seeds {
        let keyed = seed % 2 == 0;
        let lane = &mut lanes[usize::from(keyed)];
        if lane.is_none() {
            *lane = Some(Lane::new(keyed).await);
        }
        let _repeat = Repeat { test, seed };
        let came_to = lane.as_mut().unwrap().case(&mut Dice::new(seed), &blow).await;
        *struck.entry(came_to).or_default() += 1;
    }
    let hit: u64 = struck.iter().filter(|(what, _)| !what.contains("not reached")).map(|(_, n)| n).sum();
    eprintln!("{test}: {asked} cases, {hit} hit, 0 findings: {struck:#?}");
    assert!(hit * 10 >= asked * 7, "too few of {asked} cases fell where they should: {struck:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_at_any_moment_loses_nothing() {
    let test = "a_process_that_ends_at_any_moment_loses_nothing";
    cases(test, "CONCORD_KILLS", 12, |dice, size| {
        let step = 1 + dice.number() % size.steps;
        match dice.below(10) {
            0 | 1 => Blow::Disk(Trouble::Kill(step)),
            2 => Blow::Disk(Trouble::Tear(step)),
            3 if size.calls > 0 => Blow::Call(1 + dice.number() % size.calls),
            9 => Blow::PowerAtTheEnd(*dice.one_of(&image::LOSSES)),
            choice => {
                let trouble = if choice % 2 == 0 { Trouble::Kill(step) } else { Trouble::Tear(step) };
                Blow::Power(trouble, *dice.one_of(&image::LOSSES))
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_or_is_full_is_told_and_loses_nothing() {
    let test = "a_disk_that_fails_or_is_full_is_told_and_loses_nothing";
    cases(test, "CONCORD_DISKS", 10, |dice, size| {
        let step = 1 + dice.number() % size.steps;
        Blow::Disk(match dice.below(6) {
            0 | 1 => Trouble::Fails(step),
            2 => Trouble::Dies(step),
            3 => Trouble::Short(step),
            4 => Trouble::Full(step),
            _ => Trouble::Read(1 + dice.number() % size.reads),
        })
    })
    .await;
}

/// Whatever step of it the disk has no space for: who is told that it failed is told what was done all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_was_saved_before_the_disk_was_full_is_told_as_saved() {
    let house = House::connected(0).await;
    let log = house.folder.path().join("steps");
    let mut kept = 0;
    for step in 1..500 {
        let name = format!("step{step}");
        let user = serde_json::json!({
            "userName": name, "givenName": "Given", "sn": "Name", "mail": format!("{name}@example.org")
        });
        let file = house.file("user.json", &user);
        let mut command = house.command(&["user", "create", &file]);
        shim::on_disk(&mut command, &house.data_dir(), &log, Trouble::Full(step));
        let ran = Ran::of(command.stdin(std::process::Stdio::null()).output().unwrap());
        if ran.code == 0 {
            assert!(kept > 0, "nothing failed after the user was saved, in {step} steps");
            return;
        }
        let found = house.json(0, &["user", "list", "--filter", &format!("userName eq \"{name}\"")]);
        if found["resultCount"] == 1 && ran.code == 1 {
            kept += 1;
            assert!(ran.err.contains("is created; carrying that on broke off"), "step {step}: {ran:?}");
        }
    }
    panic!("it never goes well");
}

/// What has been done since the copy was made is found again, not done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_of_the_folder_finds_what_was_done_since() {
    Lane::new(true).await.older_copy().await;
}
