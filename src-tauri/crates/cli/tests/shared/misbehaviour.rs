//! Tests of a system that misbehaves: one for each fault, and what a run may come to.

use sandbox::faults::Action;

use crate::house::House;

/// Runs a mapping until it is through, as a person would who reads what it says. Gives what it said on the way.
pub fn until_done(house: &House, mapping: &str, deletes: usize) -> Vec<String> {
    let allow = format!("deletes={deletes}");
    let mut said = Vec::new();
    for _ in 0..4 {
        let ran = house.concord(&["--json", "recon", mapping, "--allow", &allow]);
        match ran.code {
            0 => return said,
            1 | 3 => {
                let last = ran.err.trim().lines().last().unwrap_or_default();
                assert!(last.starts_with("concord: "), "{ran:#?}");
                said.push(last.to_owned());
            }
            _ => panic!("{mapping}: {ran:#?}"),
        }
    }
    panic!("{mapping} does not come to an end: {said:#?}");
}

/// What reading comes to while a fault lasts.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// The run gets through.
    Through,
    /// The run may end, but before it changes anything, and says this.
    OrSays(&'static str),
}

/// The provider's own error of this status.
pub fn answer(status: u16) -> Action {
    Action::Answer { status, body: None, headers: Default::default() }
}

/// A test for each fault, so that the one that fails has its name and all of them run side by side.
macro_rules! faults {
    ($run:ident: $($name:ident($($argument:expr),+);)+) => {
        mod $run {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$run($($argument),+).await;
                }
            )+
        }
    };
}
