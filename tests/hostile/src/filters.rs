//! Query filters, IDM's and SCIM's.

use model::Filter;
use serde_json::{Value, json};

use crate::{parts, text};

/// An object to hold against filters where the input brings none.
fn object() -> Value {
    json!({
        "userName": "ann", "mail": "ann@example.org", "sn": "O'Brien", "n": 3, "t": "4", "on": "true", "empty": "",
        "active": true, "roles": ["admin", "user"], "nothing": null, "a": {"b": "c"},
    })
}

/// What is read can be judged, and what is printed reads the same. `---` on a line of its own begins an object to judge.
pub fn query(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let parts = parts(text, "---");
    let Ok(filter) = Filter::parse(parts.first().copied().unwrap_or_default()) else { return false };
    let given = parts.get(1).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_else(object);
    let matches = filter.matches(&given);
    let printed = filter.to_string();
    let again =
        Filter::parse(&printed).unwrap_or_else(|e| panic!("printed as {printed:?}, which is no filter: {e}"));
    assert_eq!(again, filter, "printed as {printed:?}");
    assert_eq!(again.matches(&given), matches);
    assert_eq!(Filter::Not(Box::new(filter.clone())).matches(&given), !matches);
    let _ = filter.pointers();
    true
}

/// What is read can be judged, and its negation matches when it does not.
pub fn scim(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let parts = parts(text, "---");
    let filter = parts.first().copied().unwrap_or_default();
    let user =
        parts.get(1).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_else(crate::patches::user);
    let mut taken = false;
    for bare_words in [false, true] {
        let Ok(matches) = server::scim_filter_matches(filter, &user, bare_words) else { continue };
        taken = true;
        if let Ok(negated) = server::scim_filter_matches(&format!("not ({filter})"), &user, bare_words) {
            assert_eq!(negated, !matches, "not ({filter})");
        }
        let both = format!("({filter}) and ({filter})");
        if let Ok(again) = server::scim_filter_matches(&both, &user, bare_words) {
            assert_eq!(again, matches, "{both}");
        }
    }
    taken
}
