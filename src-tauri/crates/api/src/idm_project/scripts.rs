//! The scripts of a document: found wherever they stand, put inline, and told from those that cannot run here.

use serde_json::{Map, Value, json};

use super::files::Project;

/// Keys that only lead to what matters; a place reads better without them.
const PLUMBING: [&str; 3] = ["schema", "properties", "policies"];

/// Something about the script at a place of the document.
pub(super) struct Remark {
    pub place: String,
    pub what: String,
}

/// Puts the text of every script file inline. Gives why scripts cannot run here.
pub(super) fn bring_in(document: &mut Value, project: &Project) -> Vec<Remark> {
    let mut remarks = Vec::new();
    visit(document, &mut Vec::new(), &mut |place, script| {
        let mut remark = |what: String| remarks.push(Remark { place: place.join(", "), what });
        if let (Some(file), None) = (text(script, "file"), text(script, "source")) {
            match project.script(&file) {
                Ok(source) => {
                    let Some(slot) = script.get_mut("file") else { return };
                    *slot = source.into();
                    // In the file's place, so that the document stays as it was otherwise.
                    *script = std::mem::take(script)
                        .into_iter()
                        .map(|(key, value)| (if key == "file" { "source".to_owned() } else { key }, value))
                        .collect();
                }
                Err(why) => remark(why),
            }
        }
        if !is_javascript(script) {
            let kind = text(script, "type").unwrap_or_default();
            remark(format!("scripts of type `{kind}` cannot run here; rewrite it in JavaScript"));
        }
    });
    remarks
}

/// The scripts that ask for something of IDM's that is not there when they run.
pub(super) fn asking(document: &mut Value) -> Vec<Remark> {
    let mut remarks = Vec::new();
    visit(document, &mut Vec::new(), &mut |place, script| {
        let Some(source) = text(script, "source").filter(|_| is_javascript(script)) else { return };
        for name in ["openidm.", "identityServer.", "require(", "java."] {
            if source.contains(name) {
                let what = format!(
                    "it uses `{}`, which scripts do not have here; a record for which the script runs to that place fails",
                    name.trim_end_matches(['.', '('])
                );
                remarks.push(Remark { place: place.join(", "), what });
            }
        }
    });
    remarks
}

/// The places of all scripts.
pub(super) fn places(document: &mut Value) -> Vec<String> {
    let mut places = Vec::new();
    visit(document, &mut Vec::new(), &mut |place, _| places.push(place.join(", ")));
    places
}

/// Puts something harmless in place of the scripts, of which some may not run here or be no JavaScript of today, so that the
/// rest of the document can be checked.
pub(super) fn stand_in(document: &mut Value) {
    visit(document, &mut Vec::new(), &mut |_, script| {
        script.insert("type".into(), "text/javascript".into());
        script.shift_remove("file");
        script.insert("source".into(), json!("true"));
    });
}

fn visit(
    value: &mut Value,
    place: &mut Vec<String>,
    found: &mut dyn FnMut(&[String], &mut Map<String, Value>),
) {
    match value {
        Value::Object(map) if is_script(map) => found(place, map),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let named = !PLUMBING.contains(&key.as_str());
                if named {
                    place.push(key.clone());
                }
                visit(value, place, found);
                if named {
                    place.pop();
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                let of = |key: &str, word: &str| Some(format!("{word} `{}`", item.get(key)?.as_str()?));
                let title = of("target", "property")
                    .or_else(|| of("situation", "policy"))
                    .unwrap_or_else(|| (number + 1).to_string());
                place.push(title);
                visit(item, place, found);
                place.pop();
            }
        }
        _ => {}
    }
}

/// Whether an object is a script. A property has `source` too, and beside it a `target`; a correlation rule that is a
/// tree names a script of IDM's own, which is built in here.
fn is_script(map: &Map<String, Value>) -> bool {
    let has = |key: &str| map.get(key).is_some_and(Value::is_string);
    let other = ["target", "expressionTree", "builtIn"].iter().any(|key| map.contains_key(*key));
    !other && (has("file") || (has("type") && has("source")))
}

fn is_javascript(script: &Map<String, Value>) -> bool {
    text(script, "type").is_none_or(|kind| kind.to_ascii_lowercase().contains("javascript"))
}

fn text(script: &Map<String, Value>, key: &str) -> Option<String> {
    script.get(key).and_then(Value::as_str).map(str::to_owned)
}
