//! `sync`: the mappings in their order, the queue of implicit syncs, and what an object is linked to.

use api::{
    PerformRequest,
    dto::{ById, Empty, ObjectName, QueueRow, QueuedChange, SyncState},
    rest_object,
};
use futures::FutureExt as _;
use model::ResourcePath;
use serde_json::{Value, json};

use super::{
    list::{self, Wanted},
    operation::{Answer, Call, LIST, Operation, needed, text},
};
use crate::problem::Problem;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET", "/openidm/sync/mappings", "Lists mappings in sync order", "List", |c| {
            mappings(c).boxed()
        })
        .takes(&LIST),
        Operation::new(
            "GET",
            "/openidm/sync/queue",
            "Lists implicit syncs that wait or failed",
            "List",
            |c| queue(c).boxed(),
        )
        .takes(&LIST),
        Operation::new("GET", "/openidm/sync/queue/{id}", "Shows a queued sync", "QueueEntry", |c| {
            queued(c).boxed()
        }),
        Operation::new("DELETE", "/openidm/sync/queue/{id}", "Drops a queued sync", "QueueEntry", |c| {
            discard(c).boxed()
        }),
        Operation::new("POST", "/openidm/sync", "Performs one action on single records", "Performed", |c| {
            perform(c).boxed()
        })
        .action("performAction")
        .takes(&[
            needed("mapping", "The mapping's name"),
            needed("action", "The action: LINK, UNLINK, CREATE, UPDATE, DELETE, ..."),
            text("sourceId", "The source record"),
            text("targetId", "The target record"),
            text("situation", "The situation that the record must be in"),
            text("linkQualifier", "The link qualifier"),
            text("reconId", "Accepted and ignored"),
        ]),
        Operation::new(
            "POST",
            "/openidm/sync",
            "Shows the records of other systems and the managed objects that an object is linked to",
            "LinkedResources",
            |c| linked(c).boxed(),
        )
        .action("getLinkedResources")
        .reads()
        .takes(&[needed("resourceName", "The object: managed/user/ID")]),
    ]
}

async fn mappings(call: Call) -> Result<Answer, Problem> {
    let wanted = Wanted::read_or_all(&call)?;
    let rows = call
        .app()
        .mappings_list(Empty {})
        .await?
        .into_iter()
        .map(|mapping| {
            let ready = mapping.problem.is_none();
            json!({
                "_id": mapping.name,
                "name": mapping.name,
                "displayName": mapping.title,
                "source": mapping.source,
                "target": mapping.target,
                "links": mapping.links,
                "enableSync": mapping.enable_sync,
                "sourceRouteReady": ready || mapping.source.starts_with("managed/"),
                "targetRouteReady": ready || mapping.target.starts_with("managed/"),
            })
        })
        .collect();
    list::part_of(rows, &wanted)
}

fn entry(row: QueueRow) -> Value {
    json!({
        "_id": row.id,
        "mapping": row.mapping,
        "resourceId": row.object_id,
        "syncAction": match row.change {
            QueuedChange::Create => "notifyCreate",
            QueuedChange::Update => "notifyUpdate",
            QueuedChange::Delete => "notifyDelete",
        },
        "state": if row.state == SyncState::Failed { "FAILED" } else { "PENDING" },
        "attempts": row.attempts,
        "nextAttempt": row.next_attempt_at,
        "message": row.message,
        "createDate": row.created,
    })
}

async fn queue(call: Call) -> Result<Answer, Problem> {
    let wanted = Wanted::read_or_all(&call)?;
    let rows = call.app().queue_rows().await?.into_iter().map(entry).collect();
    list::part_of(rows, &wanted)
}

async fn row(call: &Call) -> Result<Value, Problem> {
    Ok(entry(call.app().queue_get(ById { id: call.part("id").to_owned() }).await?))
}

async fn queued(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(row(&call).await?).only(&fields))
}

async fn discard(call: Call) -> Result<Answer, Problem> {
    let row = row(&call).await?;
    call.app().queue_discard(ById { id: call.part("id").to_owned() }).await?;
    Ok(Answer::ok(row))
}

async fn perform(call: Call) -> Result<Answer, Problem> {
    let text = |name: &str| call.text(name).map(str::to_owned);
    let performed = call
        .app()
        .perform(PerformRequest {
            mapping: call.needed("mapping")?.to_owned(),
            action: call.needed("action")?.to_owned(),
            source_id: text("sourceId"),
            target_id: text("targetId"),
            situation: text("situation"),
            link_qualifier: text("linkQualifier"),
        })
        .await?;
    Ok(Answer::ok(json!({
        "situation": performed.situation.as_str(),
        "targetId": performed.target_id,
        "message": performed.message,
    })))
}

/// The records and the managed objects that an object is linked to, as a bare list like IDM's. Each names every mapping of its
/// link type, and on which side of that mapping it is.
async fn linked(call: Call) -> Result<Answer, Problem> {
    let name = call.needed("resourceName")?;
    let wrong = || Problem::bad_request(format!("resourceName `{name}` is not of the form managed/user/ID"));
    let (container, id) = name.trim_matches('/').rsplit_once('/').ok_or_else(wrong)?;
    let Ok(ResourcePath::Managed(kind)) = container.parse() else { return Err(wrong()) };
    let name = ObjectName { kind, id: id.to_owned() };
    let detail = call.app().object_get(name.clone()).await?;
    let objects = call.app().linked_objects(name).await?;
    let mappings = call.app().mappings_list(Empty {}).await?;
    let of_type = |link_type: &str| -> Vec<Value> {
        mappings
            .iter()
            .filter(|mapping| mapping.links.as_deref().unwrap_or(&mapping.name) == link_type)
            .map(|mapping| {
                let side = if mapping.source == container { "target" } else { "source" };
                json!({"name": mapping.name, "type": side})
            })
            .collect()
    };
    let systems = detail.linked.into_iter().map(|system| {
        let path = format!("system/{}/{}/{}", system.connector, system.object_type, system.uid);
        let content = system.attributes.map(|attributes| with_id(attributes, &system.uid));
        json!({
            "resourceName": path,
            "content": content,
            "linkQualifier": system.link_qualifier,
            "linkType": system.mapping,
            "mappings": of_type(&system.mapping),
            "seenAt": system.seen_at,
        })
    });
    let objects = objects.into_iter().map(|linked| {
        json!({
            "resourceName": format!("managed/{}/{}", linked.kind, linked.id),
            "content": linked.object.map(|object| rest_object(&object, &[])),
            "linkQualifier": linked.link_qualifier,
            "linkType": linked.mapping,
            "mappings": of_type(&linked.mapping),
        })
    });
    Ok(Answer::ok(systems.chain(objects).collect()))
}

fn with_id(mut attributes: Value, id: &str) -> Value {
    if let Some(attributes) = attributes.as_object_mut() {
        attributes.insert("_id".into(), id.into());
    }
    attributes
}
