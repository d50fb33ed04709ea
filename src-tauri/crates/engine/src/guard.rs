//! Guards: limits on the whole plan, checked before the first write.

use model::{Action, Situation, mapping_config::GuardsConfig};
use store::{EntryStatus, GuardResult, Progress};

/// Deletes and unlinks that a run may do when the mapping does not say.
pub const DEFAULT_MAX_DELETES: u64 = 5;

/// A source must still hold this share of the linked records, in per cent.
const LEAST_SOURCE_PERCENT: u64 = 90;

/// What a plan holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Planned {
    pub creates: u64,
    pub updates: u64,
    pub deletes: u64,
    /// Of the creates, those whose linked target is gone.
    pub made_again: u64,
}

impl Planned {
    pub(crate) fn count(counts: &[(Situation, Action, EntryStatus, u64)]) -> Self {
        let mut planned = Self::default();
        for (situation, action, status, n) in counts {
            if *status != EntryStatus::Planned {
                continue;
            }
            match action {
                Action::Create => {
                    planned.creates += n;
                    if *situation == Situation::Missing {
                        planned.made_again += n;
                    }
                }
                Action::Update | Action::Link => planned.updates += n,
                Action::Delete | Action::Unlink => planned.deletes += n,
                _ => {}
            }
        }
        planned
    }
}

/// Holds the plan against the limits. `last_sources` is how many sources the last run had that looked at all of them and was
/// carried out: what was found right then is not asked about for ever. `allow_deletes` is what a person allowed for this run
/// only.
pub(crate) fn check(
    config: Option<GuardsConfig>,
    allow_empty_source: bool,
    partial: bool,
    planned: Planned,
    progress: &Progress,
    last_sources: Option<u64>,
    allow_deletes: Option<u64>,
) -> Vec<GuardResult> {
    let config = config.unwrap_or_default();
    let sources = progress.source_total.unwrap_or(0);
    let (links, linked) = (progress.links_total, progress.linked_sources);
    let mut results = Vec::new();
    let mut add = |name: &str, limit: String, count: String, holds: bool, message: String| {
        results.push(GuardResult { name: name.into(), limit, planned: count, holds, message });
    };

    if !partial {
        let empty = sources == 0 && !allow_empty_source;
        let none_taken = progress.none_in_query && !allow_empty_source;
        let (expected, are) = match last_sources.filter(|last| *last < linked) {
            Some(last) => (last, "were there in the last run"),
            None => (linked, "are linked"),
        };
        if empty {
            add(
                "emptySource",
                "at least 1".into(),
                "0".into(),
                true,
                "the source is empty. If that is right, set `allowEmptySourceSet` in the mapping; if not, check the source before you run it again".into(),
            );
        } else if none_taken {
            add(
                "emptyQuery",
                "at least 1".into(),
                "0".into(),
                true,
                format!(
                    "the mapping's sourceQuery takes in none of the {sources} source records. If that is right, set `allowEmptySourceSet` in the mapping; if not, correct the query before you run it again"
                ),
            );
        } else if sources * 100 < expected * LEAST_SOURCE_PERCENT && allow_deletes.is_none() {
            add(
                "shortSource",
                format!("{LEAST_SOURCE_PERCENT} % of {expected}"),
                sources.to_string(),
                true,
                format!(
                    "the source has {sources} records, but {expected} {are}: less than {LEAST_SOURCE_PERCENT} %. A source that lost so many is more often broken than right; check it, then release the run with an allowance for deletes"
                ),
            );
        }
    }

    // A target that lost so many is more often another account than a clean-up, and everything would be made twice.
    if !partial
        && planned.made_again > DEFAULT_MAX_DELETES
        && planned.made_again * 100 > links * (100 - LEAST_SOURCE_PERCENT)
    {
        add(
            "missingTargets",
            format!("{} % of {links}", 100 - LEAST_SOURCE_PERCENT),
            planned.made_again.to_string(),
            allow_deletes.is_none(),
            format!(
                "{} of {links} linked target records are gone and would be made again. Check that the connection leads to the right account; if it does, release the run with an allowance",
                planned.made_again
            ),
        );
    }

    // Where nothing is linked there is nothing to take a share of, and the number holds that holds where the mapping has none.
    let max_delete_percent = config.max_delete_percent.filter(|_| links > 0);
    let limit = match (allow_deletes, config.max_deletes, max_delete_percent) {
        (Some(allowed), _, _) => Some(allowed),
        (None, Some(most), _) => Some(most),
        (None, None, None) => Some(DEFAULT_MAX_DELETES),
        (None, None, Some(_)) => None,
    };
    if let Some(limit) = limit {
        let holds = planned.deletes > limit;
        let message = if holds {
            let are = match planned.deletes {
                1 => "1 delete is".to_owned(),
                n => format!("{n} deletes are"),
            };
            let allowed = match limit {
                0 => "none is".to_owned(),
                1 => "1 is".to_owned(),
                n => format!("{n} are"),
            };
            format!(
                "{are} planned, {allowed} allowed. Look at them; if they are right, allow {} for this run",
                planned.deletes
            )
        } else {
            format!("deletes {} of {limit} allowed", planned.deletes)
        };
        add("maxDeletes", limit.to_string(), planned.deletes.to_string(), holds, message);
    }
    for (name, word, most, count, released) in [
        ("maxDeletePercent", "deletes", max_delete_percent, planned.deletes, allow_deletes.is_some()),
        ("maxUpdatePercent", "updates", config.max_update_percent, planned.updates, false),
    ] {
        if let Some(most) = most.filter(|_| links > 0 && !released) {
            let share = count as f64 * 100.0 / links as f64;
            let holds = share > most;
            let way_out = if holds && name == "maxUpdatePercent" { raise(name) } else { String::new() };
            let said = format!("{word}: {count} of {links} linked records, {share:.1} % of {most} % allowed");
            add(name, format!("{most} %"), format!("{share:.1} %"), holds, said + &way_out);
        }
    }
    if let Some(most) = config.max_creates {
        let holds = planned.creates > most;
        let way_out = if holds { raise("maxCreates") } else { String::new() };
        let said = format!("creates {} of {most} allowed", planned.creates);
        add("maxCreates", most.to_string(), planned.creates.to_string(), holds, said + &way_out);
    }
    results
}

/// Whether an allowance for deletes lets a run go on that this guard holds; the others ask for another mapping or another source.
pub fn is_releasable(guard: &str) -> bool {
    matches!(guard, "maxDeletes" | "maxDeletePercent" | "shortSource" | "missingTargets" | "otherAccount")
}

/// What leads on where an allowance for deletes does not.
fn raise(guard: &str) -> String {
    format!(
        ". No allowance releases this; if it is right, raise `{guard}` in the mapping's guards and run it again"
    )
}

#[cfg(test)]
mod tests {
    use model::mapping_config::GuardsConfig;
    use store::Progress;

    use super::{Planned, check};

    #[test]
    fn guards_hold_what_they_should() {
        let deletes = |n| Planned { deletes: n, ..Planned::default() };
        let max = |n| GuardsConfig { max_deletes: Some(n), ..GuardsConfig::default() };
        let share = |p| GuardsConfig { max_delete_percent: Some(p), ..GuardsConfig::default() };
        let updates = GuardsConfig { max_update_percent: Some(50.0), ..GuardsConfig::default() };
        let creates = GuardsConfig { max_creates: Some(3), ..GuardsConfig::default() };
        // what, config, planned, sources, links, allowed, partial, the guards that hold
        let table: Vec<(&str, Option<GuardsConfig>, Planned, u64, u64, Option<u64>, bool, Vec<&str>)> = vec![
            ("nothing planned", None, deletes(0), 10, 10, None, false, vec![]),
            ("default allows five", None, deletes(5), 100, 100, None, false, vec![]),
            ("default holds six", None, deletes(6), 100, 100, None, false, vec!["maxDeletes"]),
            ("allowed for this run", None, deletes(6), 100, 100, Some(6), false, vec![]),
            ("allowed too little", None, deletes(6), 100, 100, Some(5), false, vec!["maxDeletes"]),
            ("own limit", Some(max(1)), deletes(2), 100, 100, None, false, vec!["maxDeletes"]),
            ("share", Some(share(1.0)), deletes(2), 100, 100, None, false, vec!["maxDeletePercent"]),
            ("share fits", Some(share(2.0)), deletes(2), 100, 100, None, false, vec![]),
            ("share of nothing", Some(share(50.0)), deletes(6), 100, 0, None, false, vec!["maxDeletes"]),
            ("few of nothing", Some(share(1.0)), deletes(5), 100, 0, None, false, vec![]),
            ("share of nothing released", Some(share(1.0)), deletes(6), 100, 0, Some(6), false, vec![]),
            ("share released", Some(share(1.0)), deletes(2), 100, 100, Some(2), false, vec![]),
            ("empty source", None, deletes(0), 0, 0, None, false, vec!["emptySource"]),
            ("empty but partial", None, deletes(0), 0, 100, None, true, vec![]),
            ("short source", None, deletes(0), 89, 100, None, false, vec!["shortSource"]),
            ("just enough", None, deletes(0), 90, 100, None, false, vec![]),
            ("short source released", None, deletes(11), 89, 100, Some(11), false, vec![]),
            (
                "updates",
                Some(updates),
                Planned { updates: 51, ..Planned::default() },
                100,
                100,
                None,
                false,
                vec!["maxUpdatePercent"],
            ),
            (
                "creates",
                Some(creates),
                Planned { creates: 4, ..Planned::default() },
                100,
                0,
                None,
                false,
                vec!["maxCreates"],
            ),
        ];
        for (what, config, planned, sources, links, allowed, partial, expect) in table {
            let progress = Progress {
                source_total: Some(sources),
                links_total: links,
                linked_sources: links,
                ..Progress::default()
            };
            let held: Vec<String> = check(config, false, partial, planned, &progress, None, allowed)
                .into_iter()
                .filter(|g| g.holds)
                .map(|g| g.name)
                .collect();
            assert_eq!(held, expect, "{what}");
        }
        let empty = Progress { source_total: Some(0), ..Progress::default() };
        let outside = Progress { source_total: Some(9), none_in_query: true, ..Progress::default() };
        for progress in [empty, outside] {
            let holds = |believed, partial| {
                check(None, believed, partial, deletes(0), &progress, None, Some(9)).iter().any(|g| g.holds)
            };
            assert_eq!((holds(false, false), holds(true, false), holds(false, true)), (true, false, false));
        }
    }

    /// Else a source that lost some for good would hold every run of a mapping that keeps their links.
    #[test]
    fn a_source_that_stays_as_short_as_it_was_found_right_is_not_asked_about_again() {
        let held = |sources, last| {
            let progress = Progress {
                source_total: Some(sources),
                links_total: 20,
                linked_sources: 20,
                ..Progress::default()
            };
            let results = check(None, false, false, Planned::default(), &progress, last, None);
            results.iter().any(|g| g.holds)
        };
        assert!(held(17, None));
        assert!(held(17, Some(20)), "it has lost some since");
        assert!(!held(17, Some(17)));
        assert!(!held(16, Some(17)));
        assert!(held(15, Some(17)));
    }
}
