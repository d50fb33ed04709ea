//! Scripts of a connector: `systemActions` of its document, as IDM's provisioner documents have them.

use regex::Regex;
use serde::Deserialize;

use crate::ConnectorConfig;

/// Scripts under one id: one for each kind of system that the document is used with.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SystemAction {
    script_id: String,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    /// A pattern for the whole name of the connector.
    #[serde(default)]
    system_type: Option<String>,
    /// The language.
    #[serde(default)]
    action_type: String,
    #[serde(default)]
    action_source: Option<String>,
    #[serde(default)]
    action_file: Option<String>,
}

/// Why a script of a connector cannot be run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SystemActionError {
    /// The document does not have the shape.
    #[error(
        "connector `{connector}`: systemActions {what}; expected [{{\"scriptId\": ..., \"actions\": [{{\"systemType\": ..., \"actionType\": \"javascript\", \"actionSource\": ...}}]}}]"
    )]
    Shape {
        /// The connector.
        connector: String,
        /// What is wrong.
        what: String,
    },
    /// No script has this id.
    #[error("connector `{connector}` has no script `{script}`; {there}")]
    Unknown {
        /// The connector.
        connector: String,
        /// What was asked for.
        script: String,
        /// Which there are.
        there: String,
    },
    /// It is there, and cannot run here.
    #[error("connector `{connector}`, script `{script}`: {what}")]
    CannotRun {
        /// The connector.
        connector: String,
        /// The script's id.
        script: String,
        /// Why, and what to do.
        what: String,
    },
}

/// The texts of a connector's script, in JavaScript: one for each of its actions that this connector is meant by.
///
/// # Errors
/// When there is no such script, or one of its actions is for this connector and cannot run here.
pub fn connector_script(config: &ConnectorConfig, script: &str) -> Result<Vec<String>, SystemActionError> {
    let connector = &config.name;
    let shape = |what: String| SystemActionError::Shape { connector: connector.clone(), what };
    let all: Vec<SystemAction> = match config.rest.get("systemActions") {
        None | Some(serde_json::Value::Null) => Vec::new(),
        Some(document) => {
            serde_json::from_value(document.clone()).map_err(|e| shape(format!("cannot be read ({e})")))?
        }
    };
    let Some(found) = all.iter().find(|action| action.script_id == script) else {
        let ids: Vec<&str> = all.iter().map(|action| action.script_id.as_str()).collect();
        let there = match ids.as_slice() {
            [] => "its document has no systemActions".to_owned(),
            ids => format!("it has {}", ids.join(", ")),
        };
        return Err(SystemActionError::Unknown {
            connector: connector.clone(),
            script: script.to_owned(),
            there,
        });
    };
    let cannot = |what: String| SystemActionError::CannotRun {
        connector: connector.clone(),
        script: script.to_owned(),
        what,
    };
    let class = &config.connector_ref.connector_name;
    let mut texts = Vec::new();
    for action in &found.actions {
        let pattern = action.system_type.as_deref().unwrap_or(".*");
        // The names of connectors have few characters, and this engine needs no more time than they are long.
        let meant = Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|_| shape(format!("has the systemType `{pattern}`, which is no pattern")))?;
        if !meant.is_match(class) {
            continue;
        }
        let language = action.action_type.to_ascii_lowercase();
        if !matches!(language.as_str(), "javascript" | "text/javascript" | "js") {
            return Err(cannot(format!(
                "scripts of type `{}` cannot run here; rewrite it in JavaScript",
                action.action_type
            )));
        }
        match (&action.action_source, &action.action_file) {
            (Some(text), _) => texts.push(text.clone()),
            (None, Some(file)) => {
                return Err(cannot(format!(
                    "its text is in the file `{file}`, which is not here; import the IDM project with its files, or write the text as actionSource"
                )));
            }
            (None, None) => return Err(cannot("it has no actionSource".to_owned())),
        }
    }
    if texts.is_empty() {
        return Err(cannot(format!("none of its actions has a systemType that `{class}` matches")));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_action_is_found_by_its_id_and_by_the_connector_it_is_meant_for() {
        let config = |actions: serde_json::Value| {
            let document = json!({"name": "hs", "systemActions": actions,
                "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"}});
            ConnectorConfig::parse(&document.to_string(), None).unwrap()
        };
        let one = |action: serde_json::Value| config(json!([{"scriptId": "s", "actions": [action]}]));
        let js = |system: &str, text: &str| json!({"systemType": system, "actionType": "JavaScript", "actionSource": text});
        let both = config(json!([
            {"scriptId": "other", "actions": []},
            {"scriptId": "s", "actions": [js(".*HubspotConnector", "1"), js(".*Salesforce.*", "2"), js(".*", "3")]},
        ]));
        assert_eq!(connector_script(&both, "s").unwrap(), ["1", "3"]);
        for (config, script, words) in [
            (both.clone(), "nope", &["no script `nope`", "other, s"][..]),
            (config(json!(null)), "s", &["no systemActions"]),
            (config(json!({"scriptId": "s"})), "s", &["systemActions cannot be read", "scriptId"]),
            (one(js("HubspotConnector", "1")), "s", &["none of its actions", "HubspotConnector"]),
            (one(js("(", "1")), "s", &["no pattern"]),
            (one(json!({"actionType": "groovy", "actionSource": "1"})), "s", &["`groovy`", "JavaScript"]),
            (one(json!({"actionType": "Shell", "actionSource": "1"})), "s", &["`Shell`"]),
            (
                one(json!({"actionType": "javascript", "actionFile": "a.js"})),
                "s",
                &["file `a.js`", "actionSource"],
            ),
            (one(json!({"actionType": "javascript"})), "s", &["no actionSource"]),
        ] {
            let error = connector_script(&config, script).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word) && error.contains("`hs`"), "{word}: {error}");
            }
        }
    }
}
