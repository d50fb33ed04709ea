//! The 13 situations of a synchronisation and the actions that answer them.
//!
//! Source of names, defaults and meanings: the ForgeRock IDM integrator's guide, "How synchronization
//! situations are assessed"; the defaults are those that its admin screens write.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value, in the order in which screens list them.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The name as IDM writes it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl FromStr for $name {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                $name::ALL.iter().copied().find(|v| v.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
                    UnknownName { kind: stringify!($name), text: text.to_owned() }
                })
            }
        }
    };
}

/// A name that is none of the situations or actions.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is no {kind} that IDM or Concord knows")]
pub struct UnknownName {
    kind: &'static str,
    text: String,
}

named! {
    /// How a source object, its link and its target stand to each other.
    Situation {
        /// Linked, and both sides are there.
        Confirmed = "CONFIRMED",
        /// Not linked; exactly one target correlates.
        Found = "FOUND",
        /// Not linked; no target correlates.
        Absent = "ABSENT",
        /// More than one target correlates, or more than one source claims the same new target.
        Ambiguous = "AMBIGUOUS",
        /// Linked, but the target is gone.
        Missing = "MISSING",
        /// One target correlates, but it is linked to another source.
        FoundAlreadyLinked = "FOUND_ALREADY_LINKED",
        /// The source does not qualify for this mapping, but has a target.
        Unqualified = "UNQUALIFIED",
        /// A target that no source accounts for.
        Unassigned = "UNASSIGNED",
        /// The target is there, its source is gone.
        SourceMissing = "SOURCE_MISSING",
        /// The source does not qualify and has no target.
        SourceIgnored = "SOURCE_IGNORED",
        /// The target does not qualify.
        TargetIgnored = "TARGET_IGNORED",
        /// A link whose two ends are gone.
        LinkOnly = "LINK_ONLY",
        /// Neither source, nor target, nor link.
        AllGone = "ALL_GONE",
    }
}

named! {
    /// What is done about a situation.
    Action {
        /// Make the target and link it.
        Create = "CREATE",
        /// Bring the target's mapped attributes in line, linking it if it is not.
        Update = "UPDATE",
        /// Delete the target, then its link.
        Delete = "DELETE",
        /// Link without touching the target.
        Link = "LINK",
        /// Remove the link, leave the target.
        Unlink = "UNLINK",
        /// Report the record as one that needs a person.
        Exception = "EXCEPTION",
        /// Do nothing, leave an entry.
        Ignore = "IGNORE",
        /// Do nothing, leave an entry, run the post-action.
        Report = "REPORT",
        /// Do nothing and leave no entry.
        NoReport = "NOREPORT",
        /// Do nothing here; an asynchronous process takes care. In practice "read-only".
        Async = "ASYNC",
    }
}

impl Situation {
    /// The action when a mapping has no policy for this situation.
    pub fn default_action(self) -> Action {
        match self {
            Self::Confirmed | Self::Found => Action::Update,
            Self::Absent => Action::Create,
            Self::Unqualified => Action::Delete,
            Self::SourceIgnored | Self::TargetIgnored | Self::AllGone => Action::Ignore,
            Self::Ambiguous
            | Self::Missing
            | Self::FoundAlreadyLinked
            | Self::Unassigned
            | Self::SourceMissing
            | Self::LinkOnly => Action::Exception,
        }
    }

    /// What the name says to a person who has never read IDM's manual.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Confirmed => "linked, and both records are there",
            Self::Found => "not linked yet; exactly one matching record was found",
            Self::Absent => "no matching record yet",
            Self::Ambiguous => "several records match; a person has to choose",
            Self::Missing => "linked, but the target record is gone",
            Self::FoundAlreadyLinked => "the matching record belongs to another source record",
            Self::Unqualified => {
                "the source record does not qualify for this mapping, but has a target record"
            }
            Self::Unassigned => "a target record that no source record accounts for",
            Self::SourceMissing => "the source record of this target record is gone",
            Self::SourceIgnored => "the source record does not qualify for this mapping",
            Self::TargetIgnored => "the target record does not qualify for this mapping",
            Self::LinkOnly => "only the link is left; both records are gone",
            Self::AllGone => "nothing is left of this record",
        }
    }
}

impl Action {
    /// Whether it changes the target, a link, or both.
    pub fn changes_something(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete | Self::Link | Self::Unlink)
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Situation};

    #[test]
    fn there_are_thirteen_situations_and_names_round_trip() {
        assert_eq!(Situation::ALL.len(), 13);
        for s in Situation::ALL {
            assert_eq!(s.as_str().parse::<Situation>().unwrap(), *s);
        }
        for a in Action::ALL {
            assert_eq!(a.as_str().parse::<Action>().unwrap(), *a);
        }
        assert!("NONSENSE".parse::<Situation>().is_err());
    }

    #[test]
    fn default_actions_are_those_of_the_admin_screens() {
        let table = [
            ("AMBIGUOUS", "EXCEPTION"),
            ("SOURCE_MISSING", "EXCEPTION"),
            ("MISSING", "EXCEPTION"),
            ("FOUND_ALREADY_LINKED", "EXCEPTION"),
            ("UNQUALIFIED", "DELETE"),
            ("UNASSIGNED", "EXCEPTION"),
            ("LINK_ONLY", "EXCEPTION"),
            ("TARGET_IGNORED", "IGNORE"),
            ("SOURCE_IGNORED", "IGNORE"),
            ("ALL_GONE", "IGNORE"),
            ("CONFIRMED", "UPDATE"),
            ("FOUND", "UPDATE"),
            ("ABSENT", "CREATE"),
        ];
        for (situation, action) in table {
            let situation: Situation = situation.parse().unwrap();
            assert_eq!(situation.default_action().as_str(), action, "{situation}");
        }
    }
}
