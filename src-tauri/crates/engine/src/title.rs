//! A short name of a record for people.

use model::Attributes;
use serde_json::Value;

/// A person's or company's name, else an address, else the id. At most 80 characters.
pub fn title_of(attributes: &Attributes, id: &str) -> String {
    let text =
        |name: &str| attributes.get(name).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
    let pair = |first: &str, last: &str| match (text(first), text(last)) {
        (Some(f), Some(l)) => Some(format!("{f} {l}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    };
    let title = pair("givenName", "sn")
        .or_else(|| pair("firstname", "lastname"))
        .or_else(|| pair("FirstName", "LastName"))
        .or_else(|| {
            ["displayName", "name", "Name", "userName", "mail", "email", "Email"]
                .iter()
                .find_map(|n| text(n))
                .map(str::to_owned)
        })
        .unwrap_or_else(|| id.to_owned());
    let mut short: String = title.chars().take(80).collect();
    if short.len() < title.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::title_of;

    #[test]
    fn the_best_name_wins() {
        for (object, expect) in [
            (json!({"givenName": "Ann", "sn": "Lee", "mail": "a@x"}), "Ann Lee"),
            (json!({"firstname": " ", "lastname": "Lee"}), "Lee"),
            (json!({"email": "a@example.org"}), "a@example.org"),
            (json!({}), "7"),
        ] {
            assert_eq!(title_of(object.as_object().unwrap(), "7"), expect);
        }
    }
}
