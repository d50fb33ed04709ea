//! A connector's document as an IDM project has it: without what only that IDM server could read.

use model::{
    ConnectorConfig, Secret,
    connector_config::{self, ConnectorConfigError, SECRET_PROPERTIES},
};
use serde_json::Value;

use super::{
    Note, ToEnter,
    files::{Document, Project, wrong},
};
use crate::ApiError;

/// A connector on its way in.
pub(super) struct Incoming {
    pub config: ConnectorConfig,
    pub file: String,
    /// Those that stood in the document in clear.
    pub secrets: Vec<(String, Secret)>,
    /// What somebody has to enter.
    pub to_enter: Vec<ToEnter>,
    pub notes: Vec<Note>,
}

/// Reads a document. `name` is the one in the file's name.
pub(super) fn read(name: &str, document: Document, project: &Project) -> Result<Incoming, ApiError> {
    let Document { file, mut value } = document;
    let unread = bring_in_actions(&mut value, project);
    if let Some(map) = value.as_object_mut() {
        map.shift_remove("_id");
        // How the connector was doing where `connector show` printed it.
        map.shift_remove("concord");
        if map.get("name").is_none_or(Value::is_null) {
            map.insert("name".into(), name.into());
        }
    }
    let mut missing: Vec<(String, String)> = Vec::new();
    let mut dropped = Vec::new();
    if let Some(Value::Object(settings)) = value.get_mut("configurationProperties") {
        settings.retain(|property, value| {
            if let Some(why) = needs_idm(value) {
                missing.push((property.clone(), why));
                return false;
            }
            let clear = sounds_secret(property) && value.as_str().is_some_and(|text| !text.is_empty());
            if clear {
                dropped.push(property.clone());
            }
            !clear
        });
    }
    let (mut config, unknown) = match ConnectorConfig::parse(&value.to_string(), Some(name)) {
        Ok(config) => (config, None),
        Err(error @ ConnectorConfigError::UnknownProvider { .. }) => {
            let config = serde_json::from_value(value).map_err(|e| wrong(&file, e))?;
            (config, Some(error.to_string()))
        }
        Err(error) => return Err(wrong(&file, error)),
    };
    let about = format!("connector `{}`", config.name);
    let note = |place: &str, what: String| Note { about: about.clone(), place: place.to_owned(), what };
    let mut notes: Vec<Note> = dropped
        .iter()
        .map(|property| {
            let what = "stands in the document in clear and is not a secret that Concord knows of this connector; it was left out".to_owned();
            note(property, what)
        })
        .collect();
    notes.extend(unread.into_iter().map(|what| note("systemActions", what)));
    notes.extend(particulars(&config).into_iter().map(|(place, what)| note(&place, what)));
    let to_enter = missing
        .into_iter()
        .map(|(property, why)| ToEnter { connector: config.name.clone(), property, why })
        .collect();
    let secrets = config.take_secrets();
    if unknown.is_some() {
        config.enabled = false;
        notes.push(note(
            "connectorRef",
            format!(
                "`{}` is no connector of Concord's (HubSpot, Salesforce, SCIM); it is kept disabled",
                config.connector_ref.connector_name
            ),
        ));
    }
    Ok(Incoming { config, file, secrets, to_enter, notes })
}

/// Puts the text of every script file of `systemActions` inline. Gives why some cannot be.
fn bring_in_actions(document: &mut Value, project: &Project) -> Vec<String> {
    let scripts = document.get_mut("systemActions").and_then(Value::as_array_mut).into_iter().flatten();
    let actions = scripts.filter_map(|s| s.get_mut("actions")?.as_array_mut()).flatten();
    let mut unread = Vec::new();
    for action in actions.filter_map(Value::as_object_mut) {
        let Some(file) = action.get("actionFile").and_then(Value::as_str).map(str::to_owned) else {
            continue;
        };
        if action.contains_key("actionSource") {
            continue;
        }
        match project.script(&file) {
            Ok(source) => {
                action.shift_remove("actionFile");
                action.insert("actionSource".into(), source.into());
            }
            Err(why) => unread.push(why),
        }
    }
    unread
}

/// What the document forbids or calls by another name, by its place, and what becomes of that here.
fn particulars(config: &ConnectorConfig) -> Vec<(String, String)> {
    fn says_denied(value: &Value) -> bool {
        match value {
            Value::Object(map) => {
                map.get("denied").and_then(Value::as_bool) == Some(true) || map.values().any(says_denied)
            }
            _ => false,
        }
    }
    let entries = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut found = Vec::new();
    for (operation, options) in entries(config.rest.get("operationOptions")) {
        if matches!(operation.as_str(), "CREATE" | "UPDATE" | "DELETE") && says_denied(&options) {
            let what = format!(
                "denies {operation}: as in IDM nothing of it is sent; a record for which a mapping asks for it is left as it is, or \
                 fails where `onDeny` is THROW_EXCEPTION"
            );
            found.push((format!("operationOptions, {operation}"), what));
        }
    }
    for (kind, object_type) in entries(config.rest.get("objectTypes")) {
        for (name, property) in entries(object_type.get("properties")) {
            let native = property.get("nativeName").and_then(Value::as_str).unwrap_or(&name);
            // `__NAME__` and `__UID__` are words of the connector framework for what has a name of its own here.
            if native != name && !native.starts_with("__") {
                let what = format!(
                    "`{name}` stands for the system's `{native}` (nativeName), which is not heeded here: mappings have to say `{native}`"
                );
                found.push((format!("objectTypes, {kind}"), what));
            }
            let flags = property.get("flags").and_then(Value::as_array).into_iter().flatten();
            let flags: Vec<&str> = flags
                .filter_map(Value::as_str)
                .filter(|flag| matches!(*flag, "NOT_CREATABLE" | "NOT_UPDATEABLE" | "NOT_READABLE"))
                .collect();
            if !flags.is_empty() {
                let what = format!(
                    "`{name}` is {}, which is not heeded here: take it out of the mappings that name it",
                    flags.join(" and ")
                );
                found.push((format!("objectTypes, {kind}"), what));
            }
        }
    }
    found
}

/// Why a value means nothing outside of its IDM server, if so.
fn needs_idm(value: &Value) -> Option<String> {
    if value.get("$crypto").is_some() {
        return Some("it is encrypted with a key of the IDM server's".into());
    }
    let written = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let start = written.find("&{")?;
    let rest = written.get(start..)?;
    let end = rest.find('}').map_or(rest.len(), |end| end + 1);
    let what = rest.get(..end).unwrap_or(rest);
    Some(format!("`{what}` stands for a value of the IDM server's environment"))
}

/// Whether a property holds a secret by its name, although Concord does not know it as one.
fn sounds_secret(property: &str) -> bool {
    !SECRET_PROPERTIES.contains(&property) && connector_config::sounds_secret(property)
}

/// The document as it leaves: nothing in it is a secret.
pub(super) fn outgoing(config: &ConnectorConfig) -> ConnectorConfig {
    let mut config = config.clone();
    config.configuration_properties.retain(|property, value| {
        let sounds = sounds_secret(property) && value.is_string();
        !sounds && !SECRET_PROPERTIES.contains(&property.as_str())
    });
    config
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{needs_idm, particulars, sounds_secret};

    #[test]
    fn what_a_document_forbids_is_told() {
        let config = serde_json::from_value(json!({
            "name": "crm",
            "operationOptions": {
                "CREATE": {"denied": true, "onDeny": "DO_NOTHING"},
                "UPDATE": {"objectFeatures": {"__ACCOUNT__": {"denied": true}}},
                "DELETE": {"denied": false},
                "SYNC": {"denied": true}
            },
            "objectTypes": {"contact": {"properties": {
                "email": {"type": "string", "flags": ["NOT_UPDATEABLE", "NOT_RETURNED_BY_DEFAULT"]},
                "phone": {"type": "string", "nativeName": "phone"},
                "mobile": {"type": "string", "nativeName": "mobilephone"},
                "name": {"type": "string", "nativeName": "__NAME__"}
            }}}
        }))
        .unwrap();
        let found = particulars(&config);
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        let of_type = "objectTypes, contact";
        assert_eq!(places, ["operationOptions, CREATE", "operationOptions, UPDATE", of_type, of_type]);
        assert!(found[2].1.contains("`email` is NOT_UPDATEABLE,"), "{}", found[2].1);
        assert!(found[3].1.contains("`mobile` stands for the system's `mobilephone`"), "{}", found[3].1);
    }

    #[test]
    fn values_of_the_server_are_told_from_plain_ones() {
        for (value, expect) in [
            (json!("https://example.com"), None),
            (json!(10), None),
            (json!({"$crypto": {"type": "x-simple-encryption"}}), Some("encrypted")),
            (json!("&{sf.secret}"), Some("`&{sf.secret}`")),
            (json!("https://&{host}/x"), Some("`&{host}`")),
            (json!({"$int": "&{permits}"}), Some("`&{permits}`")),
            (json!("&{broken"), Some("`&{broken`")),
        ] {
            let why = needs_idm(&value);
            match expect {
                None => assert_eq!(why, None, "{value}"),
                Some(word) => assert!(why.as_deref().is_some_and(|w| w.contains(word)), "{value}: {why:?}"),
            }
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for (property, expect) in [
            ("credentials", true),
            ("bindPassword", true),
            ("passwordAttribute", false),
            ("tokenUrl", false),
            // Known by name: goes into the vault instead.
            ("clientSecret", false),
        ] {
            assert_eq!(sounds_secret(property), expect, "{property}");
        }
    }
}
