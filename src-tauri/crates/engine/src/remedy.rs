//! What there is to do about a record that failed or that waits for a person.
//!
//! These are few, so that a screen can offer the button that does it. The repository keeps the sentence, for people and for
//! scripts that read it; [`Remedy::read`] knows it again.

use std::fmt;

use model::Situation;

/// What to do, as a run says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Another look will do.
    RunAgain,
    /// Another look will find that the target is gone.
    RunAgainForMissing,
    /// Another look finds out whether the change arrived.
    RunAgainInDoubt,
    /// Another look, not before so many seconds.
    RunAgainAfter(u64),
    /// Other records failed, and nothing is deleted before they are well.
    ClearFailures,
    /// The target does not take the token any more.
    Authorize,
    /// The target refuses the value of this attribute.
    CorrectAttribute(String),
    /// A policy of the managed object refuses what this attribute would hold.
    MeetPolicy(String),
    /// The mapping cannot be evaluated for this record.
    CorrectMapping,
    /// The action of this situation needs another one than CREATE: the target is there.
    PolicyForExisting(Situation),
    /// The action of this situation needs a target, and there is none.
    PolicyForAbsent(Situation),
    /// Another action for this situation.
    Policy(Situation),
    /// What a lost target can become.
    PolicyForMissing,
    /// What a target whose source is gone can become.
    PolicyForSourceMissing,
    /// What a target without a source can become.
    PolicyForUnassigned,
    /// Several records match.
    LinkByHand,
    /// The target is gone and another record matches.
    LinkToMatch,
    /// The match belongs to another record.
    RemoveLink,
    /// The key that the record would get belongs to a record of another link.
    RemoveLinkOrKey,
    /// Both sides were changed.
    DecideConflict,
    /// Another record has to be decided about first.
    DecideOther,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunAgain => f.write_str("run it again"),
            Self::RunAgainForMissing => f.write_str("run it again: it will be MISSING"),
            Self::RunAgainInDoubt => {
                f.write_str("run it again: it looks for the record before it creates anything")
            }
            Self::RunAgainAfter(seconds) => write!(f, "run it again in {seconds} seconds or later"),
            Self::ClearFailures => f.write_str("clear the failures and run it again"),
            Self::Authorize => f.write_str("authorize again, then run it again"),
            Self::CorrectAttribute(name) => {
                write!(f, "correct `{name}` in the source record or in the mapping")
            }
            Self::MeetPolicy(name) => {
                write!(f, "correct `{name}` in the source record, or give it a default in the mapping")
            }
            Self::CorrectMapping => f.write_str("correct the mapping or the record, then run it again"),
            Self::PolicyForExisting(situation) => {
                write!(f, "use UPDATE or LINK for {situation} in the mapping's policies")
            }
            Self::PolicyForAbsent(situation) => {
                write!(f, "use CREATE or UNLINK for {situation} in the mapping's policies")
            }
            Self::Policy(situation) => {
                write!(f, "choose another action for {situation} in the mapping's policies")
            }
            Self::PolicyForMissing => {
                f.write_str("decide in the inbox whether it is made again, or set the policy for MISSING to CREATE or UNLINK")
            }
            Self::PolicyForSourceMissing => f.write_str(
                "decide in the inbox what becomes of it, set the policy for SOURCE_MISSING to DELETE or UNLINK, or restore the source record",
            ),
            Self::PolicyForUnassigned => f.write_str(
                "set the policy for UNASSIGNED to IGNORE if such records are fine, or create their source",
            ),
            Self::LinkByHand => {
                f.write_str("make the records distinguishable or link the right one by hand")
            }
            Self::LinkToMatch => f.write_str(
                "link it to the record that matches; or set the policy for MISSING to UPDATE, which does that by itself",
            ),
            Self::RemoveLink => {
                f.write_str("remove the wrong link or correct the record that matches by mistake")
            }
            Self::RemoveLinkOrKey => {
                f.write_str("correct the record that has the wrong key, or remove the wrong link")
            }
            Self::DecideConflict => f.write_str("decide in the inbox whose value stays"),
            Self::DecideOther => f.write_str("decide about the record that matches its target first"),
        }
    }
}

/// Those that speak of nothing in particular.
const PLAIN: [Remedy; 15] = [
    Remedy::RunAgain,
    Remedy::RunAgainForMissing,
    Remedy::RunAgainInDoubt,
    Remedy::ClearFailures,
    Remedy::Authorize,
    Remedy::CorrectMapping,
    Remedy::PolicyForMissing,
    Remedy::PolicyForSourceMissing,
    Remedy::PolicyForUnassigned,
    Remedy::LinkByHand,
    Remedy::LinkToMatch,
    Remedy::RemoveLink,
    Remedy::RemoveLinkOrKey,
    Remedy::DecideConflict,
    Remedy::DecideOther,
];

impl Remedy {
    /// The remedy that a stored sentence is; none for words of an older program.
    pub fn read(sentence: &str) -> Option<Self> {
        if let Some(plain) = PLAIN.iter().find(|remedy| remedy.to_string() == sentence) {
            return Some(plain.clone());
        }
        let quoted = sentence.split('`').nth(1).unwrap_or_default();
        let number = sentence.split(' ').find_map(|word| word.parse().ok());
        let about = Situation::ALL.iter().find(|s| sentence.split(' ').any(|word| word == s.as_str()));
        let named = [Self::CorrectAttribute(quoted.to_owned()), Self::MeetPolicy(quoted.to_owned())];
        let placed =
            about.map(|s| [Self::PolicyForExisting(*s), Self::PolicyForAbsent(*s), Self::Policy(*s)]);
        named
            .into_iter()
            .chain(placed.into_iter().flatten())
            .chain(number.map(Self::RunAgainAfter))
            .find(|remedy| remedy.to_string() == sentence)
    }

    /// A message that ends with a remedy, "what went wrong; what to do", as its two parts.
    pub fn apart(message: &str) -> Option<(&str, Self)> {
        message.match_indices("; ").find_map(|(at, between)| {
            let (said, rest) = message.split_at_checked(at)?;
            Some((said, Self::read(rest.strip_prefix(between)?)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_remedy_is_known_again_by_its_sentence() {
        let named = ["mail", "accountStatus", "name/familyName", ""];
        let all: Vec<Remedy> = PLAIN
            .into_iter()
            .chain([0, 1, 86_400].map(Remedy::RunAgainAfter))
            .chain(named.map(|name| Remedy::CorrectAttribute(name.into())))
            .chain(named.map(|name| Remedy::MeetPolicy(name.into())))
            .chain(Situation::ALL.iter().copied().map(Remedy::PolicyForExisting))
            .chain(Situation::ALL.iter().copied().map(Remedy::PolicyForAbsent))
            .chain(Situation::ALL.iter().copied().map(Remedy::Policy))
            .collect();
        for remedy in all {
            let sentence = remedy.to_string();
            assert_eq!(Remedy::read(&sentence), Some(remedy.clone()), "{sentence}");
            let said = "policy validation failed: `sn` must be given; `mail` must be an address";
            let message = format!("{said}; {sentence}");
            assert_eq!(Remedy::apart(&message), Some((said, remedy)), "{message}");
        }
    }

    #[test]
    fn other_sentences_are_no_remedy() {
        for sentence in [
            "",
            "run it",
            "correct `a in the mapping",
            "choose another action for NOTHING in the mapping's policies",
        ] {
            assert_eq!(Remedy::read(sentence), None, "{sentence}");
        }
        assert_eq!(Remedy::apart("the server refused: run it again"), None);
    }
}
