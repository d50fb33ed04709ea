//! One measurement of the engine, for `cargo xtask bench`: `bench PHASE RECORDS FOLDER` carries one phase out over a data
//! folder and prints what it cost as one line of JSON. The phases of a folder build on each other; each is a process of its
//! own, so that its peak of memory is its own.

#![allow(missing_docs, clippy::print_stdout)]

#[path = "../../../store/examples/measure/cost.rs"]
mod cost;
#[path = "../../../store/examples/measure/made_up.rs"]
mod made_up;
mod source;

use std::{collections::HashMap, error::Error, path::Path, sync::Arc};

use async_trait::async_trait;
use connector::Connector;
use cost::Cost;
use engine::{CancellationToken, Connectors, Engine, EngineError, RunRequest};
use jiff::Timestamp;
use mapping::canonical;
use model::MappingConfig;
use serde_json::{Value, json};
use source::{PAGE, Source};
use store::{Run, RunMode, RunState, Store};

/// What the programs use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const INBOUND: &str = "systemCrmContact_managedUser";
const OUTBOUND: &str = "managedUser_systemOtherContact";

struct Both {
    crm: Arc<Source>,
    other: Arc<Source>,
}

#[async_trait]
impl Connectors for Both {
    async fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, EngineError> {
        Ok(if name == "crm" { self.crm.clone() } else { self.other.clone() })
    }
}

fn mappings() -> [Value; 2] {
    [
        json!({
            "name": INBOUND, "source": "system/crm/contact", "target": "managed/user",
            "sourceCondition": "/source/email pr",
            "correlationQuery": {"expressionTree": {"any": ["mail"]}},
            "properties": [
                {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
                {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
                {"source": "firstname", "target": "givenName", "default": "-"},
                {"source": "lastname", "target": "sn", "default": "-"},
                {"source": "phone", "target": "telephoneNumber"}
            ],
            "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
        }),
        json!({
            "name": OUTBOUND, "source": "managed/user", "target": "system/other/contact", "enableSync": false,
            "correlationQuery": {"expressionTree": {"any": ["email"]}},
            "properties": [
                {"source": "mail", "target": "email"},
                {"source": "givenName", "target": "firstname"},
                {"source": "sn", "target": "lastname"},
                {"source": "telephoneNumber", "target": "phone"}
            ],
            "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]
        }),
    ]
}

/// The floor of a recon without changes: the same pages parsed, hashed and looked up, and nothing else.
fn floor(records: u64) -> Result<u64, Box<dyn Error>> {
    let attributes = ["email", "firstname", "lastname", "phone"].map(str::to_owned);
    let source = Source::new(records, 0);
    let mut known: HashMap<u64, [u8; 16]> = HashMap::new();
    let mut found = 0;
    for pass in 0..2 {
        let cost = Cost::from_now();
        for from in (0..records).step_by(PAGE as usize) {
            let text = source.text(from..records.min(from + PAGE));
            for object in Source::parse(&text, &attributes)? {
                let (id, hash) = (object.uid.parse()?, canonical::hash(&object.attributes));
                if pass == 0 {
                    known.insert(id, hash);
                } else if known.get(&id) == Some(&hash) {
                    found += 1;
                }
            }
        }
        if pass == 1 {
            println!("{}", cost.line("floor", records, 0, found));
        }
    }
    Ok(found)
}

async fn run(engine: &Engine, mapping: &str, incremental: bool) -> Result<Run, Box<dyn Error>> {
    let request = RunRequest {
        mapping: mapping.into(),
        mode: RunMode::Reconcile,
        ids: Vec::new(),
        allow_deletes: None,
        incremental,
    };
    let begun = engine.begin(request).await?;
    let run = engine.carry_out(begun, CancellationToken::new()).await?;
    if run.state == RunState::Success { Ok(run) } else { Err(format!("{mapping}: {:?}", run.message).into()) }
}

/// Carries out a phase and checks that it did what it is measured for.
async fn phase(name: &str, records: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let (mapping, round, incremental, expected) = match name {
        "first load" => (INBOUND, 0, false, records),
        "unchanged" => (INBOUND, 0, false, 0),
        // It also begins to follow the source's changes, which is what the next phase measures.
        "1 % changed" => (INBOUND, 1, true, records / source::CHANGED),
        "incremental, 1 %" => (INBOUND, 2, true, records / source::CHANGED),
        "incremental, none" => (INBOUND, 2, true, 0),
        "outbound" => (OUTBOUND, 2, false, records),
        other => return Err(format!("there is no phase `{other}`").into()),
    };
    let store = Store::open(folder)?;
    let both =
        Arc::new(Both { crm: Arc::new(Source::new(records, round)), other: Arc::new(Source::new(0, 0)) });
    // Runs take the time of day.
    #[allow(clippy::disallowed_methods)]
    let engine = Engine::new(store.clone(), both.clone(), Arc::new(Timestamp::now), folder.to_path_buf());
    if name == "first load" {
        for mapping in mappings() {
            let config = MappingConfig::from_value(mapping)?;
            store.write(move |w| w.put_mapping(&config, "2026-01-01T00:00:00Z")).await?;
        }
    }
    let cost = Cost::from_now();
    let run = run(&engine, mapping, incremental).await?;
    let done = run.progress.created + run.progress.updated;
    println!("{}", cost.line(name, records, run.progress.calls, done));
    if done != expected {
        return Err(format!("{name}: {done} records were written, not {expected}").into());
    }
    if std::env::var_os("CONCORD_BENCH_PHASES").is_some() {
        println!("{}", json!({"durations": run.progress.durations}));
    }
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    // As the command does it.
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, records, folder] = arguments.as_slice() else {
        return Err("bench PHASE RECORDS FOLDER".into());
    };
    let records: u64 = records.parse()?;
    if name == "floor" {
        let found = floor(records)?;
        return if found == records { Ok(()) } else { Err("the floor lost records".into()) };
    }
    phase(name, records, Path::new(folder)).await
}
