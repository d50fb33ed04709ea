//! Configuration in IDM's shapes: what people bring along, write by hand or copy from the web.

use std::cell::OnceCell;
use std::fs;
use std::sync::Arc;

use api::{App, AppOptions, IdmExport, IdmImport};
use connector::credentials::memory::MemoryCredentials;
use engine::Timetable;
use jiff::{Timestamp, tz::TimeZone};
use mapping::{
    AttributeChange, Base, Correlation, Decision, Hook, Interpreter, Mapping, Newer, Occasion, Place,
    ScriptId,
    trace::{Outcome, PropertyTrace},
};
use model::{
    ConnectorConfig, Filter, ManagedConfig, ManagedObjectConfig, MappingConfig, Pointer, Situation,
    mapping_config::ScriptConfig, policy, schedule_config::ScheduleConfig, schema_check,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{parts, text};

/// What a document becomes when it is written and read again.
fn again<T: serde::Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("what was read can be written");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("written as {text}, which cannot be read: {e}"))
}

/// What is read is written as it was, its secrets leave it, and a connector is made of it or not.
pub fn connector(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let Ok(mut config) = ConnectorConfig::parse(text, Some("crm")) else { return false };
    assert_eq!(again(&config), config);
    let _ = (config.provider(), config.title().len());
    for script in ["a", ""] {
        let _ = model::system_actions::connector_script(&config, script);
    }
    let secrets = config.take_secrets();
    let left = serde_json::to_string(&config.configuration_properties).unwrap();
    for (property, secret) in secrets {
        assert!(!config.configuration_properties.contains_key(&property), "{property} stays in {left}");
        assert_ne!(secret.expose(), "", "an empty secret is none");
    }
    let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    match connector::build(&config, Arc::new(MemoryCredentials::new()), clock) {
        Ok(connector) => {
            assert!(!connector.descriptor().title.is_empty());
            true
        }
        Err(error) => {
            assert!(error.message.chars().count() < 100_000, "{error}");
            false
        }
    }
}

/// Scripts that answer what stands in them: a script whose text is JSON gives that, any other its text. What a script does to
/// a variable is to become its answer.
#[derive(Default)]
struct Saying(Vec<Value>);

impl Interpreter for Saying {
    fn compile(&mut self, _: Place, script: &ScriptConfig) -> Result<ScriptId, String> {
        let text = script.source.clone().unwrap_or_default();
        self.0.push(serde_json::from_str(&text).unwrap_or(Value::String(text)));
        Ok(ScriptId(self.0.len() - 1))
    }

    fn answer(&self, script: ScriptId, _: &[(&str, &Value)]) -> Result<Option<Value>, String> {
        let said = self.0.get(script.0).cloned();
        said.map(Some).ok_or_else(|| "there is no such script".to_owned())
    }

    fn change(&self, script: ScriptId, variables: &[(&str, &Value)], _: &str) -> Result<Value, String> {
        self.eval(script, variables)
    }
}

/// What is read is written as it was; a mapping that can run gives the same for the same records, and its trace agrees. A second
/// mapping is taken for the way back of the first. `---` parts them from the source, the target, and what both were when they
/// were last in sync.
pub fn mapping(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let parts = parts(text, "---");
    let Ok(configs) = MappingConfig::parse_all(parts.first().copied().unwrap_or_default()) else {
        return false;
    };
    let record = |part: Option<&&str>| -> Option<Map<String, Value>> {
        serde_json::from_str::<Value>(part?).ok()?.as_object().cloned()
    };
    let source = record(parts.get(1)).unwrap_or_else(|| {
        let source = json!({"email": "Ann@Example.org", "phone": "+49 731 5", "tags": "a;b", "born": "1990-02-03", "n": 4});
        source.as_object().unwrap().clone()
    });
    let target = record(parts.get(2));
    let base =
        record(parts.get(3)).map(|source| Base { source, target: record(parts.get(4)).unwrap_or_default() });
    let back = configs.get(1).cloned();
    let mut taken = false;
    for config in configs.into_iter().take(2) {
        let read = again(&config);
        assert_eq!(read, config);
        let mut scripts = Saying::default();
        let Ok(mapping) = Mapping::compile(config, back.as_ref(), &mut scripts) else { continue };
        taken = true;
        judged(&mapping, &scripts, &source, target.as_ref());
        for newer in [None, Some(Newer::Source), Some(Newer::Target)] {
            let occasion = || Occasion { base: base.as_ref(), newer, ..Occasion::default() };
            let once = mapping.evaluate(&scripts, occasion(), &source, target.as_ref());
            let twice = mapping.evaluate(&scripts, occasion(), &source, target.as_ref());
            assert_eq!(once, twice, "the same record gives the same");
            let trace = mapping.trace(&scripts, occasion(), &source, target.as_ref());
            for property in &trace.properties {
                let _ = serde_json::to_string(property).unwrap();
            }
            let came_to = |wanted: fn(&Outcome) -> bool| {
                trace.properties.iter().any(|property| wanted(&property.outcome))
            };
            assert_eq!(once.is_err(), came_to(|o| matches!(o, Outcome::Failed(_))), "{once:?} {trace:?}");
            let Ok(once) = once else { continue };
            let writes = came_to(|o| matches!(o, Outcome::Written | Outcome::Cleared));
            assert!(once.changes.is_empty() || writes, "{once:?} {trace:?}");
            assert!(
                once.conflicts.is_empty() || came_to(|o| matches!(o, Outcome::Asked)),
                "{once:?} {trace:?}"
            );
            // Of two properties of an attribute, the later one may have decided what the earlier one asked.
            let asked = |property: &&PropertyTrace| {
                let alone =
                    trace.properties.iter().filter(|other| other.target == property.target).count() == 1;
                alone && matches!(property.outcome, Outcome::Asked)
            };
            for property in trace.properties.iter().filter(asked) {
                let waits = once.conflicts.iter().any(|conflict| conflict.attribute == property.target);
                assert!(waits, "{once:?} {trace:?}");
            }
            if newer.is_none() && base.is_none() {
                comes_to_rest(&mapping, &scripts, &once.changes, &source, target.clone().unwrap_or_default());
            }
        }
    }
    taken
}

/// A record that was written is not written again.
fn comes_to_rest(
    mapping: &Mapping,
    scripts: &Saying,
    changes: &[AttributeChange],
    source: &Map<String, Value>,
    mut target: Map<String, Value>,
) {
    let properties = &mapping.config.properties;
    // What looks at the target may think otherwise of the new one, and of two properties that write within one another the
    // later undoes the earlier.
    let looks = properties.iter().any(|property| property.condition.is_some());
    let steps: Vec<Pointer> = properties.iter().map(|property| Pointer::parse(&property.target)).collect();
    let within = steps.iter().enumerate().any(|(at, one)| {
        steps.iter().skip(at + 1).any(|other| one.steps().iter().zip(other.steps()).all(|(a, b)| a == b))
    });
    if looks || within {
        return;
    }
    for change in changes {
        assert!(Pointer::parse(&change.attribute).set_in(&mut target, change.after.clone()), "{change:?}");
    }
    let again = mapping.evaluate(scripts, Occasion::default(), source, Some(&target));
    let again = again.expect("what could be judged can be judged again");
    assert_eq!(again.changes, [], "after {changes:?}");
}

/// What a mapping thinks of two records, in every situation.
fn judged(
    mapping: &Mapping,
    scripts: &Saying,
    source: &Map<String, Value>,
    target: Option<&Map<String, Value>>,
) {
    let whole = Value::Object(source.clone());
    let other = target.map_or(Value::Null, |target| Value::Object(target.clone()));
    let _ = (mapping.in_source_query(&whole), mapping.in_target_query(&other));
    let _ = mapping.source_validity(scripts, "default", &whole);
    let _ = mapping.target_valid(scripts, "default", &other);
    let _ = (mapping.source_attributes(), mapping.target_attributes(), mapping.all_qualifiers(scripts));
    for qualifier in mapping.qualifiers_of(scripts, &whole).unwrap_or_default().iter().take(3) {
        let asked = mapping.correlate(scripts, qualifier, source);
        assert_eq!(asked, mapping.correlate(scripts, qualifier, source), "the same record asks the same");
        if let Ok(Correlation::Query(query)) = asked {
            let printed = query.filter.to_string();
            let read = Filter::parse(&printed).unwrap_or_else(|e| panic!("asks for {printed:?}: {e}"));
            assert_eq!(read.matches(&other), query.filter.matches(&other), "{printed}");
        }
    }
    for situation in Situation::ALL {
        let decision = Decision {
            mapping: "m",
            run: "",
            qualifier: "default",
            situation: *situation,
            from_source: true,
            source: &whole,
            target: &other,
            source_id: Some("1"),
            target_id: None,
            ambiguous: &[],
        };
        if let Ok(decided) = mapping.action(scripts, &decision)
            && let Some(policy) = decided.policy
        {
            let _ = mapping.post_action(scripts, policy, &decision, decided.action);
        }
    }
    for hook in [Hook::Create, Hook::Update, Hook::DefaultMapping, Hook::PostMapping] {
        let _ = mapping.run_hook(scripts, hook, &[("source", &whole)], source);
    }
}

/// What is read is written as it was; an object is judged by it, and no requirement is empty.
pub fn managed(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let parts = parts(text, "---");
    let Ok(config) = serde_json::from_str::<ManagedConfig>(parts.first().copied().unwrap_or_default()) else {
        return false;
    };
    assert_eq!(again(&config), config);
    let object = parts.get(1).and_then(|part| serde_json::from_str::<Value>(part).ok());
    let object = object.as_ref().and_then(Value::as_object).cloned().unwrap_or_else(|| {
        json!({"userName": "ann", "mail": "no address", "password": "ann1", "n": "4"})
            .as_object()
            .unwrap()
            .clone()
    });
    for kind in config.objects.iter().take(3) {
        judge(kind, &object);
    }
    !config.objects.is_empty()
}

fn judge(kind: &ManagedObjectConfig, object: &Map<String, Value>) {
    let _ = (kind.searchable(), kind.indexed(), kind.defaults().count(), kind.unique().count());
    for flaw in schema_check::flaws(kind) {
        let _ = format!("{flaw:?}");
    }
    for attribute in kind.ordered() {
        let _ = (
            kind.title(attribute),
            kind.kinds(attribute),
            kind.protection(attribute),
            kind.is_private(attribute),
        );
    }
    let _ = policy::unchecked(kind);
    let violations = policy::violations(kind, object);
    assert!(policy::failed_requirements(&violations).is_array());
}

/// What is read is written as it was; its times come one after the other, and there is an end of looking for them.
pub fn schedule(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let Ok((_, config)) = ScheduleConfig::from_value(document) else { return false };
    assert_eq!(again(&config), config);
    let _ = config.task();
    let Ok(timetable) = Timetable::of(&config, &TimeZone::UTC) else { return false };
    assert!(!timetable.words().is_empty());
    for now in ["2026-01-31T23:59:59Z", "2024-02-29T00:00:00Z", "9998-12-31T00:00:00Z"] {
        let now: Timestamp = now.parse().unwrap();
        let times = timetable.upcoming(now, now, 5);
        assert!(times.len() <= 5);
        assert!(times.first().is_none_or(|first| *first > now), "{times:?} after {now}");
        assert!(times.windows(2).all(|pair| matches!(pair, [one, other] if one < other)), "{times:?}");
    }
    true
}

/// A data folder that imports go into, one after the other; each begins with what the ones before have left.
struct House {
    runtime: tokio::runtime::Runtime,
    app: Arc<App>,
    folder: TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = AppOptions {
            data_dir: folder.path().join("data"),
            passphrase: Some("a passphrase for tests".to_owned()),
        };
        let app = runtime.block_on(App::open(options)).unwrap();
        Self { runtime, app, folder }
    }
}

thread_local! {
    static HOUSE: OnceCell<House> = const { OnceCell::new() };
}

/// A folder is imported whole or refused with a sentence; what was imported can be written and imported again. Files are
/// told apart by lines `=== NAME`.
pub fn project(input: &[u8]) -> bool {
    let Some(text) = text(input) else { return false };
    HOUSE.with(|house| {
        let house = house.get_or_init(House::new);
        let project = tempfile::tempdir_in(house.folder.path()).unwrap();
        let conf = project.path().join("conf");
        fs::create_dir(&conf).unwrap();
        let mut files = 0;
        for part in text.split("\n=== ").take(8) {
            let (name, content) = part.split_once('\n').unwrap_or((part, ""));
            let name = name.trim_start_matches("=== ").trim();
            let plain = name.ends_with(".json")
                && name.len() < 80
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
            if plain && fs::write(conf.join(name), content).is_ok() {
                files += 1;
            }
        }
        if files == 0 {
            return false;
        }
        let import = |folder: &std::path::Path| IdmImport { folder: folder.to_owned(), replace: true };
        let imported = house.runtime.block_on(house.app.import_idm(import(project.path())));
        match imported {
            Err(error) => {
                assert!(!error.message.is_empty() && error.message.chars().count() < 10_000, "{error}");
                false
            }
            Ok(_) => {
                let back = IdmExport { folder: project.path().join("back"), force: true };
                let exported = house.runtime.block_on(house.app.export_idm(back));
                let exported =
                    exported.unwrap_or_else(|e| panic!("what was imported cannot be written: {e}"));
                let again = house.runtime.block_on(house.app.import_idm(import(&exported.folder)));
                again.unwrap_or_else(|e| panic!("what was written cannot be imported: {e}"));
                true
            }
        }
    })
}
