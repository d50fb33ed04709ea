//! The situation table: 20 rows of the source side, 5 of the target side.
//!
//! Rows and numbers follow ForgeRock IDM (`SourceSyncOperation.assessSituation`, `TargetSyncOperation.assessSituation`).
//! One row differs on purpose: a source that does not qualify and merely correlates with a target that was never linked
//! (row 10, 11) is UNQUALIFIED as in IDM, but [`Assessment::never_linked`] says so, and then nothing is deleted.

use model::Situation;

/// A source object's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It exists; does it qualify?
    There {
        /// `validSource` and `sourceCondition` both hold.
        valid: bool,
    },
    /// It is gone.
    Gone {
        /// Whether its last value is known, and if so, whether that qualified.
        old: Option<bool>,
    },
}

/// The link's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// No link, or linking is switched off.
    None,
    /// A link whose target exists.
    ToTarget {
        /// `validTarget` holds.
        valid: bool,
    },
    /// A link whose target is gone.
    ToNothing,
}

/// What correlation found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matches {
    /// Not asked: no correlation is defined for this qualifier.
    NotAsked,
    /// No target.
    None,
    /// One target.
    One {
        /// It is linked to another source already.
        linked_elsewhere: bool,
    },
    /// Several targets.
    Several,
}

/// The situation and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assessment {
    /// Which of the 13.
    pub situation: Situation,
    /// The target was found by correlation only: no link has ever stood between the two.
    pub never_linked: bool,
}

/// The source phase, implicit sync and delete-driven sync: rows 1 to 20.
pub fn assess_source(source: Source, link: Link, matches: Matches) -> Assessment {
    use Situation as S;
    let linked = |situation| Assessment { situation, never_linked: false };
    let unlinked = |situation| Assessment { situation, never_linked: true };
    match (source, link, matches) {
        (Source::There { valid: true }, Link::ToTarget { .. }, _) => linked(S::Confirmed),
        (Source::There { valid: true }, Link::ToNothing, _) => linked(S::Missing),
        (Source::There { valid: true }, Link::None, found) => unlinked(match found {
            Matches::NotAsked | Matches::None => S::Absent,
            Matches::One { linked_elsewhere: false } => S::Found,
            Matches::One { linked_elsewhere: true } => S::FoundAlreadyLinked,
            Matches::Several => S::Ambiguous,
        }),
        (Source::There { valid: false }, Link::ToTarget { .. } | Link::ToNothing, _) => {
            linked(S::Unqualified)
        }
        (Source::There { valid: false }, Link::None, found) => unlinked(match found {
            Matches::NotAsked | Matches::None => S::SourceIgnored,
            Matches::One { .. } | Matches::Several => S::Unqualified,
        }),
        (Source::Gone { .. }, Link::ToTarget { valid: true }, _) => linked(S::SourceMissing),
        (Source::Gone { .. }, Link::ToTarget { valid: false }, _) => linked(S::TargetIgnored),
        (Source::Gone { .. }, Link::ToNothing, _) => linked(S::LinkOnly),
        (Source::Gone { old: None }, Link::None, _) => unlinked(S::AllGone),
        (Source::Gone { old: Some(_) }, Link::None, Matches::NotAsked | Matches::None) => {
            unlinked(S::AllGone)
        }
        (Source::Gone { old: Some(was_valid) }, Link::None, Matches::One { .. }) => {
            unlinked(if was_valid { S::Unassigned } else { S::TargetIgnored })
        }
        (Source::Gone { old: Some(was_valid) }, Link::None, Matches::Several) => {
            unlinked(if was_valid { S::Ambiguous } else { S::Unqualified })
        }
    }
}

/// The target phase: rows T1 to T5. `source` is `None` when the link has no source or there is no link, else whether the
/// source is there and qualifies.
pub fn assess_target(valid_target: bool, link: bool, source: Option<bool>) -> Assessment {
    use Situation as S;
    let situation = match (valid_target, link, source) {
        (false, _, _) => S::TargetIgnored,
        (true, false, _) => S::Unassigned,
        (true, true, None) => S::SourceMissing,
        (true, true, Some(false)) => S::Unqualified,
        (true, true, Some(true)) => S::Confirmed,
    };
    Assessment { situation, never_linked: !link }
}

#[cfg(test)]
mod tests {
    use model::Situation as S;

    use super::{Link, Matches, Source, assess_source, assess_target};

    #[test]
    fn all_twenty_rows_of_the_source_side() {
        let here = |valid| Source::There { valid };
        let gone = |old| Source::Gone { old };
        let to = |valid| Link::ToTarget { valid };
        let one = |linked_elsewhere| Matches::One { linked_elsewhere };
        let every = [Matches::NotAsked, Matches::None, one(false), one(true), Matches::Several];
        let rows: Vec<(u8, Source, Vec<Link>, Vec<Matches>, S)> = vec![
            (1, here(true), vec![to(true), to(false)], every.to_vec(), S::Confirmed),
            (2, here(true), vec![Link::ToNothing], every.to_vec(), S::Missing),
            (3, here(true), vec![Link::None], vec![Matches::NotAsked], S::Absent),
            (4, here(true), vec![Link::None], vec![Matches::None], S::Absent),
            (5, here(true), vec![Link::None], vec![one(false)], S::Found),
            (6, here(true), vec![Link::None], vec![one(true)], S::FoundAlreadyLinked),
            (7, here(true), vec![Link::None], vec![Matches::Several], S::Ambiguous),
            (8, here(false), vec![to(true), to(false), Link::ToNothing], every.to_vec(), S::Unqualified),
            (9, here(false), vec![Link::None], vec![Matches::NotAsked, Matches::None], S::SourceIgnored),
            (10, here(false), vec![Link::None], vec![one(false), one(true)], S::Unqualified),
            (11, here(false), vec![Link::None], vec![Matches::Several], S::Unqualified),
            (12, gone(None), vec![to(true)], every.to_vec(), S::SourceMissing),
            (13, gone(None), vec![to(false)], every.to_vec(), S::TargetIgnored),
            (14, gone(None), vec![Link::ToNothing], every.to_vec(), S::LinkOnly),
            (15, gone(None), vec![Link::None], every.to_vec(), S::AllGone),
            (16, gone(Some(true)), vec![Link::None], vec![Matches::NotAsked, Matches::None], S::AllGone),
            (17, gone(Some(true)), vec![Link::None], vec![one(false), one(true)], S::Unassigned),
            (18, gone(Some(false)), vec![Link::None], vec![one(false), one(true)], S::TargetIgnored),
            (19, gone(Some(true)), vec![Link::None], vec![Matches::Several], S::Ambiguous),
            (20, gone(Some(false)), vec![Link::None], vec![Matches::Several], S::Unqualified),
        ];
        assert_eq!(rows.len(), 20);
        for (row, source, links, found, expect) in rows {
            for link in &links {
                for matches in &found {
                    let got = assess_source(source, *link, *matches);
                    assert_eq!(got.situation, expect, "row {row}: {source:?} {link:?} {matches:?}");
                    assert_eq!(got.never_linked, *link == Link::None, "row {row}");
                }
            }
        }
    }

    #[test]
    fn a_linked_pair_stands_the_same_whatever_the_old_value_was() {
        for old in [None, Some(true), Some(false)] {
            let got = assess_source(Source::Gone { old }, Link::ToTarget { valid: true }, Matches::NotAsked);
            assert_eq!(got.situation, S::SourceMissing);
        }
    }

    #[test]
    fn all_five_rows_of_the_target_side() {
        for (row, valid, link, source, expect) in [
            ("T1", false, false, None, S::TargetIgnored),
            ("T1", false, true, Some(true), S::TargetIgnored),
            ("T2", true, false, None, S::Unassigned),
            ("T3", true, true, None, S::SourceMissing),
            ("T4", true, true, Some(false), S::Unqualified),
            ("T5", true, true, Some(true), S::Confirmed),
        ] {
            assert_eq!(assess_target(valid, link, source).situation, expect, "{row}");
        }
    }
}
