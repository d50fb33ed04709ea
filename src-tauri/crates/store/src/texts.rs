//! Documents as the repository keeps them. Whoever writes many makes them ready on a thread of their own, because all writes go
//! through one.

use model::Attributes;
use serde_json::Value;

use crate::{NewLink, StoreError, StoredChange, links::base_text};

/// A document in the words in which it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub(crate) String);

impl Text {
    /// Of an object.
    pub fn of_object(attributes: &Attributes) -> Result<Self, StoreError> {
        serde_json::to_string(attributes).map(Self).map_err(StoreError::damaged)
    }

    /// Of what changes: attribute, value before and value after of each.
    pub fn of_changes(changes: &[StoredChange]) -> Result<Self, StoreError> {
        let triples: Vec<_> = changes.iter().map(|c| (&c.attribute, &c.before, &c.after)).collect();
        serde_json::to_string(&triples).map(Self).map_err(StoreError::damaged)
    }

    /// Of what a link remembers of both sides.
    pub fn of_base(link: &NewLink) -> Result<Self, StoreError> {
        base_text(link.space.orientation, &link.base_source, &link.base_target).map(Self)
    }
}

/// What changes, as it was kept.
pub(crate) fn kept_changes(text: &str) -> Result<Vec<StoredChange>, StoreError> {
    // Until version 9 of the schema each was an object with three names in it.
    if text.starts_with("[{") {
        return serde_json::from_str(text).map_err(StoreError::damaged);
    }
    let triples: Vec<(String, Value, Value)> = serde_json::from_str(text).map_err(StoreError::damaged)?;
    let change = |(attribute, before, after)| StoredChange { attribute, before, after };
    Ok(triples.into_iter().map(change).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_kept_in_few_words_and_those_of_earlier_versions_are_understood() {
        let change =
            |attribute: &str, before, after| StoredChange { attribute: attribute.into(), before, after };
        let changes = [
            change("mail", Value::Null, json!("ann@example.com")),
            change("emails/0", json!({"value": "a"}), json!(["b", 1])),
            change("", json!("[{"), Value::Null),
        ];
        for some in [&changes[..], &changes[..1], &changes[2..], &[]] {
            let Text(kept) = Text::of_changes(some).unwrap();
            assert_eq!(kept_changes(&kept).unwrap(), some, "{kept}");
            let earlier = serde_json::to_string(some).unwrap();
            assert_eq!(kept_changes(&earlier).unwrap(), some, "{earlier}");
        }
        for damaged in ["", "{}", "[1]", "[[\"sn\"]]", "[{\"attribute\": 1}]", "[[\"sn\", 1, 2]"] {
            assert!(kept_changes(damaged).is_err(), "{damaged}");
        }
    }
}
