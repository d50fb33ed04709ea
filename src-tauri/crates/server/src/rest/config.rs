//! `config`: connectors, mappings, schedules and managed types as documents. Secrets go in and never come out.

use std::sync::Arc;

use api::{
    ApiError, App, ErrorCode,
    dto::{ByName, MappingDraft, ScheduleDraft},
};
use axum::http::StatusCode;
use futures::FutureExt as _;
use model::{Attributes, patch};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    list::{Wanted, part_of},
    operation::{Answer, Call, IF_MATCH, IF_NONE_MATCH, LIST, Operation, Parameter, switch},
};
use crate::{precondition::Tags, problem::Problem};

/// How often a patch is tried in all.
const TRIES: usize = 6;

/// Whose turn it is to write configuration, or what a query finds. A connector's new secret waits for a renewal of its tokens, and
/// what is not about connectors does not wait with it.
#[derive(Default)]
pub(crate) struct Turns {
    connectors: Mutex<()>,
    others: Mutex<()>,
    /// Patches of what a query finds.
    pub found: Mutex<()>,
}

const CONFIRM: Parameter = switch("confirm", "Whether what it does to stored objects is known and meant");

pub(crate) fn operations() -> Vec<Operation> {
    let (managed, sync, connector, mapping, schedule) = (
        "/openidm/config/managed",
        "/openidm/config/sync",
        "/openidm/config/provisioner.openicf/{name}",
        "/openidm/config/mapping/{name}",
        "/openidm/config/schedule/{name}",
    );
    vec![
        Operation::new(
            "GET",
            "/openidm/config",
            "Names the documents; with a filter, lists those that match",
            "Configurations",
            |c| names(c).boxed(),
        )
        .takes(&LIST),
        Operation::new("GET", sync, "Shows every mapping, in sync order", "SyncConfig", |c| {
            get_sync(c).boxed()
        }),
        Operation::new("PUT", sync, "Replaces all mappings", "SyncConfig", |c| {
            in_turn(c, |turns| &turns.others, put_sync).boxed()
        })
        .takes(&[IF_MATCH])
        .body("SyncConfig"),
        Operation::new("PATCH", sync, "Changes parts of the mappings", "SyncConfig", |c| {
            in_turn(c, |turns| &turns.others, patch_sync).boxed()
        })
        .takes(&[IF_MATCH])
        .body("Patch"),
        Operation::new("GET", managed, "Shows every managed type", "ManagedConfig", |c| {
            get_managed(c).boxed()
        }),
        Operation::new("PUT", managed, "Replaces all managed types", "ManagedConfig", |c| {
            in_turn(c, |turns| &turns.others, put_managed).boxed()
        })
        .takes(&[IF_MATCH, CONFIRM])
        .body("ManagedConfig"),
        Operation::new("PATCH", managed, "Changes parts of managed types", "ManagedConfig", |c| {
            in_turn(c, |turns| &turns.others, patch_managed).boxed()
        })
        .takes(&[IF_MATCH, CONFIRM])
        .body("Patch"),
        Operation::new("GET", connector, "Shows a connector, without its secrets", "ConnectorConfig", |c| {
            get_connector(c).boxed()
        }),
        Operation::new("PUT", connector, "Makes or changes a connector", "ConnectorConfig", |c| {
            in_turn(c, |turns| &turns.connectors, put_connector).boxed()
        })
        .takes(&[IF_MATCH, IF_NONE_MATCH])
        .body("ConnectorConfig"),
        Operation::new("PATCH", connector, "Changes parts of a connector", "ConnectorConfig", |c| {
            in_turn(c, |turns| &turns.connectors, patch_connector).boxed()
        })
        .takes(&[IF_MATCH])
        .body("Patch"),
        Operation::new("DELETE", connector, "Removes a connector", "ConnectorConfig", |c| {
            in_turn(c, |turns| &turns.connectors, delete_connector).boxed()
        })
        .takes(&[IF_MATCH]),
        Operation::new("GET", mapping, "Shows a mapping", "MappingConfig", |c| get_mapping(c).boxed()),
        Operation::new("PUT", mapping, "Makes or changes a mapping", "MappingConfig", |c| {
            in_turn(c, |turns| &turns.others, put_mapping).boxed()
        })
        .takes(&[IF_MATCH, IF_NONE_MATCH])
        .body("MappingConfig"),
        Operation::new("PATCH", mapping, "Changes parts of a mapping", "MappingConfig", |c| {
            in_turn(c, |turns| &turns.others, patch_mapping).boxed()
        })
        .takes(&[IF_MATCH])
        .body("Patch"),
        Operation::new("DELETE", mapping, "Removes a mapping with its links", "MappingConfig", |c| {
            in_turn(c, |turns| &turns.others, delete_mapping).boxed()
        })
        .takes(&[IF_MATCH]),
        Operation::new("GET", schedule, "Shows a schedule", "ScheduleConfig", |c| get_schedule(c).boxed()),
        Operation::new("PUT", schedule, "Makes or changes a schedule", "ScheduleConfig", |c| {
            in_turn(c, |turns| &turns.others, put_schedule).boxed()
        })
        .takes(&[IF_MATCH, IF_NONE_MATCH])
        .body("ScheduleConfig"),
        Operation::new("PATCH", schedule, "Changes parts of a schedule", "ScheduleConfig", |c| {
            in_turn(c, |turns| &turns.others, patch_schedule).boxed()
        })
        .takes(&[IF_MATCH])
        .body("Patch"),
        Operation::new("DELETE", schedule, "Removes a schedule", "ScheduleConfig", |c| {
            in_turn(c, |turns| &turns.others, delete_schedule).boxed()
        })
        .takes(&[IF_MATCH]),
    ]
}

async fn names(call: Call) -> Result<Answer, Problem> {
    if ["_queryFilter", "_queryId", "_queryExpression"].into_iter().any(|name| call.text(name).is_some()) {
        return query(&call).await;
    }
    let rows: Vec<Value> = call
        .app()
        .config_names()
        .await?
        .into_iter()
        .map(|id| {
            let (pid, factory) = match id.split_once('/') {
                Some((factory, _)) => (id.replace('/', "."), Some(factory.to_owned())),
                None => (id.clone(), None),
            };
            json!({"_id": id, "pid": pid, "factoryPid": factory})
        })
        .collect();
    Ok(Answer::ok(json!({"configurations": rows})))
}

/// The documents themselves. One that is removed meanwhile is left out.
async fn query(call: &Call) -> Result<Answer, Problem> {
    let wanted = Wanted::read(call)?;
    let app = call.app();
    let mut rows = Vec::new();
    for id in app.config_names().await? {
        let document = match id.split_once('/') {
            None if id == "managed" => app.managed_document().await.map_err(Problem::from),
            None => app.sync_document().await.map_err(Problem::from),
            Some(("mapping", name)) => mapping_document(app, name).await,
            Some(("schedule", name)) => schedule_document(app, name).await,
            Some((_, name)) => app.connector_document(name).await.map_err(Problem::from),
        };
        match document {
            Ok(document) => rows.push(document),
            Err(problem) if problem.status == StatusCode::NOT_FOUND => {}
            Err(problem) => return Err(problem),
        }
    }
    part_of(rows, &wanted)
}

async fn get_sync(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(call.app().sync_document().await?).only(&fields))
}

async fn put_sync(call: Call) -> Result<Answer, Problem> {
    let document = call.object()?;
    write_sync(&call, document, None).await
}

async fn patch_sync(call: Call) -> Result<Answer, Problem> {
    again_while_stale(|| async {
        let before = call.app().sync_document().await?;
        let document = patched(&call, before.clone())?;
        write_sync(&call, document, Some(before)).await
    })
    .await
}

async fn write_sync(call: &Call, mut document: Attributes, before: Option<Value>) -> Result<Answer, Problem> {
    no_revision(call)?;
    document.shift_remove("_id");
    Ok(Answer::ok(call.app().put_sync_document(Value::Object(document), before).await?))
}

async fn get_managed(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(call.app().managed_document().await?).only(&fields))
}

async fn put_managed(call: Call) -> Result<Answer, Problem> {
    let document = call.object()?;
    write_managed(&call, document, None).await
}

async fn patch_managed(call: Call) -> Result<Answer, Problem> {
    again_while_stale(|| async {
        let before = call.app().managed_document().await?;
        let document = patched(&call, before.clone())?;
        write_managed(&call, document, Some(before)).await
    })
    .await
}

async fn write_managed(
    call: &Call,
    mut document: Attributes,
    before: Option<Value>,
) -> Result<Answer, Problem> {
    no_revision(call)?;
    document.shift_remove("_id");
    let confirmed = call.switch("confirm");
    Ok(Answer::ok(call.app().put_managed_document(Value::Object(document), before, confirmed).await?))
}

async fn get_connector(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(call.app().connector_document(call.part("name")).await?).only(&fields))
}

async fn put_connector(call: Call) -> Result<Answer, Problem> {
    let document = call.object()?;
    write_connector(&call, document, None).await
}

async fn patch_connector(call: Call) -> Result<Answer, Problem> {
    again_while_stale(|| async {
        let (before, rev) = call.app().connector_document_to_change(call.part("name")).await?;
        let document = patched(&call, before)?;
        write_connector(&call, document, Some(rev)).await
    })
    .await
}

async fn write_connector(call: &Call, document: Attributes, rev: Option<String>) -> Result<Answer, Problem> {
    no_revision(call)?;
    let (app, name) = (call.app(), call.part("name"));
    if call.must_be_new()? && is_there(app.connector_document(name).await)? {
        return Err(exists(&format!("connector `{name}`")));
    }
    let fresh = app.put_connector_document(name, document, rev).await?;
    let document = app.connector_document(name).await?;
    Ok(if fresh {
        Answer::created(document, format!("/openidm/config/provisioner.openicf/{name}"))
    } else {
        Answer::ok(document)
    })
}

async fn delete_connector(call: Call) -> Result<Answer, Problem> {
    no_revision(&call)?;
    let (app, name) = (call.app(), call.part("name"));
    let document = app.connector_document(name).await?;
    app.connector_remove(ByName { name: name.to_owned() }).await?;
    Ok(Answer::ok(document))
}

async fn mapping_document(app: &App, name: &str) -> Result<Value, Problem> {
    let config = app.mapping_config(name).await?;
    Ok(with_id("mapping", &config.name, serde_json::to_value(&config).unwrap_or_default()))
}

async fn get_mapping(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(mapping_document(call.app(), call.part("name")).await?).only(&fields))
}

async fn put_mapping(call: Call) -> Result<Answer, Problem> {
    let document = call.object()?;
    write_mapping(&call, document, None).await
}

async fn patch_mapping(call: Call) -> Result<Answer, Problem> {
    again_while_stale(|| async {
        let there = call.app().mapping_get(ByName { name: call.part("name").to_owned() }).await?;
        let document = patched(&call, with_id("mapping", &there.summary.name, there.config))?;
        write_mapping(&call, document, Some(there.rev)).await
    })
    .await
}

async fn write_mapping(
    call: &Call,
    mut document: Attributes,
    rev: Option<String>,
) -> Result<Answer, Problem> {
    no_revision(call)?;
    let (app, name) = (call.app(), call.part("name"));
    document.shift_remove("_id");
    match document.get("name").and_then(Value::as_str) {
        None => {
            document.insert("name".into(), name.into());
        }
        Some(inside) if inside == name => {}
        Some(inside) => {
            return Err(Problem::bad_request(format!(
                "the document is about mapping `{inside}`, and the path about `{name}`; both must be the same"
            )));
        }
    }
    let create = !is_there(app.mapping_config(name).await)?;
    if call.must_be_new()? && !create {
        return Err(exists(&format!("mapping `{name}`")));
    }
    app.mapping_save(MappingDraft { create, rev, config: Value::Object(document) }).await?;
    let document = mapping_document(app, name).await?;
    Ok(if create {
        Answer::created(document, format!("/openidm/config/mapping/{name}"))
    } else {
        Answer::ok(document)
    })
}

async fn delete_mapping(call: Call) -> Result<Answer, Problem> {
    no_revision(&call)?;
    let document = mapping_document(call.app(), call.part("name")).await?;
    call.app().mapping_remove(ByName { name: call.part("name").to_owned() }).await?;
    Ok(Answer::ok(document))
}

async fn schedule_document(app: &App, name: &str) -> Result<Value, Problem> {
    let schedule = app.schedule_get(ByName { name: name.to_owned() }).await?;
    Ok(with_id("schedule", &schedule.name, schedule.config))
}

async fn get_schedule(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(schedule_document(call.app(), call.part("name")).await?).only(&fields))
}

async fn put_schedule(call: Call) -> Result<Answer, Problem> {
    let document = call.object()?;
    write_schedule(&call, document, None).await
}

async fn patch_schedule(call: Call) -> Result<Answer, Problem> {
    again_while_stale(|| async {
        let there = call.app().schedule_get(ByName { name: call.part("name").to_owned() }).await?;
        let document = patched(&call, with_id("schedule", &there.name, there.config.clone()))?;
        write_schedule(&call, document, Some(there.config)).await
    })
    .await
}

async fn write_schedule(
    call: &Call,
    mut document: Attributes,
    before: Option<Value>,
) -> Result<Answer, Problem> {
    no_revision(call)?;
    let (app, name) = (call.app(), call.part("name").to_owned());
    document.shift_remove("_id");
    let create = !is_there(app.schedule_get(ByName { name: name.clone() }).await)?;
    if call.must_be_new()? && !create {
        return Err(exists(&format!("schedule `{name}`")));
    }
    let location = format!("/openidm/config/schedule/{name}");
    app.schedule_change(ScheduleDraft { create, name, config: Value::Object(document) }, before).await?;
    let document = schedule_document(call.app(), call.part("name")).await?;
    Ok(if create { Answer::created(document, location) } else { Answer::ok(document) })
}

async fn delete_schedule(call: Call) -> Result<Answer, Problem> {
    no_revision(&call)?;
    let document = schedule_document(call.app(), call.part("name")).await?;
    call.app().schedule_remove(ByName { name: call.part("name").to_owned() }).await?;
    Ok(Answer::ok(document))
}

fn with_id(kind: &str, name: &str, mut document: Value) -> Value {
    if let Some(document) = document.as_object_mut() {
        document.insert("_id".into(), format!("{kind}/{name}").into());
    }
    document
}

/// Whether something is there. That it could not be read does not mean that it is not.
fn is_there<T>(found: Result<T, ApiError>) -> Result<bool, Problem> {
    match found {
        Ok(_) => Ok(true),
        Err(error) if error.code == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Lets one write go on at a time, so that a patch is of what is in force when it comes to its turn.
pub(super) async fn in_turn<F: Future<Output = Result<Answer, Problem>>>(
    call: Call,
    turn: fn(&Turns) -> &Mutex<()>,
    write: impl FnOnce(Call) -> F,
) -> Result<Answer, Problem> {
    let shared = Arc::clone(&call.shared);
    let _turn = turn(&shared.turns).lock().await;
    write(call).await
}

/// Carries a patch out, and again where a change that did not come this way, as from the window or another process, came between
/// reading and writing.
pub(super) async fn again_while_stale<F: Future<Output = Result<Answer, Problem>>>(
    patch: impl Fn() -> F,
) -> Result<Answer, Problem> {
    for _ in 1..TRIES {
        match patch().await {
            Err(problem) if problem.status == StatusCode::PRECONDITION_FAILED => {}
            done => return done,
        }
    }
    patch().await
}

/// The document with the patch of the request's body carried out.
fn patched(call: &Call, before: Value) -> Result<Attributes, Problem> {
    let wrong = |error: patch::PatchError| Problem::bad_request(error.to_string());
    let steps = patch::parse(call.body.as_ref().unwrap_or(&Value::Null)).map_err(wrong)?;
    let Value::Object(mut document) = before else { return Err(Problem::bad_request("this is no object")) };
    patch::apply(&steps, &mut document).map_err(wrong)?;
    Ok(document)
}

/// Configuration has no revisions here; `If-Match: *` says that it has to be there, which each write finds out itself.
fn no_revision(call: &Call) -> Result<(), Problem> {
    match call.if_match()? {
        Some(Tags::These(_)) => Err(Problem::precondition("configuration has no revision; use If-Match: *")),
        _ => Ok(()),
    }
}

fn exists(what: &str) -> Problem {
    Problem::precondition(format!("{what} exists already"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_taken_for_missing() {
        let failed = |code: ErrorCode| is_there::<()>(Err(ApiError::new(code, "no"))).map_err(|p| p.status);
        assert_eq!(is_there(Ok(())), Ok(true));
        assert_eq!(failed(ErrorCode::NotFound), Ok(false));
        assert_eq!(failed(ErrorCode::Storage), Err(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(failed(ErrorCode::Locked), Err(StatusCode::SERVICE_UNAVAILABLE));
    }
}
