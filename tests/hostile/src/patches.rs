//! Patches, SCIM's and IDM's, applied.

use model::patch;
use serde_json::{Map, Value, json};

use crate::{parts, text};

/// A user as SCIM shows one.
pub fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "42", "userName": "ann",
        "name": {"givenName": "Ann", "familyName": "O'Brien"}, "active": true,
        "emails": [{"value": "ann@example.org", "type": "work", "primary": true}, {"value": "a@x.org", "type": "home"}],
        "groups": [{"value": "7", "display": "Staff"}],
        "meta": {"resourceType": "User", "version": "W/\"1\""},
    })
}

/// All or nothing, and what is the server's alone stays as it is. `---` begins a user of its own.
pub fn scim(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let parts = parts(text, "---");
    let Ok(patch) = serde_json::from_str::<Value>(parts.first().copied().unwrap_or_default()) else {
        return false;
    };
    let user = match parts.get(1) {
        Some(json) => serde_json::from_str(json).unwrap_or(Value::Null),
        None => user(),
    };
    if !user.is_object() {
        return false;
    }
    let mut taken = false;
    for (partial, bare_words) in [(false, false), (true, true)] {
        let Ok(after) = server::scim_patched(&user, patch.clone(), partial, bare_words) else { continue };
        taken = true;
        for own in ["id", "meta", "groups"] {
            assert_eq!(after.get(own), user.get(own), "{own} belongs to the server");
        }
        let twice = server::scim_patched(&user, patch.clone(), partial, bare_words);
        assert_eq!(twice.as_ref(), Ok(&after), "the same patch of the same user");
    }
    taken
}

/// All or nothing; the same twice from the same beginning.
pub fn crest(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let parts = parts(text, "---");
    let Ok(document) = serde_json::from_str::<Value>(parts.first().copied().unwrap_or_default()) else {
        return false;
    };
    let Ok(steps) = patch::parse(&document) else { return false };
    let before: Map<String, Value> = match parts.get(1).map(|json| serde_json::from_str(json)) {
        Some(Ok(Value::Object(map))) => map,
        _ => json!({"sn": "Lee", "n": 1, "list": ["a", "b"], "deep": {"er": {"x": 1}}})
            .as_object()
            .unwrap()
            .clone(),
    };
    let mut after = before.clone();
    if patch::apply(&steps, &mut after).is_err() {
        assert_eq!(after, before, "a patch that fails changes nothing");
        return false;
    }
    let mut again = before;
    patch::apply(&steps, &mut again).unwrap();
    assert_eq!(again, after);
    let printed = Value::Object(after).to_string();
    assert!(
        serde_json::from_str::<Value>(&printed).is_ok(),
        "what a patch makes can be stored and read again"
    );
    true
}
