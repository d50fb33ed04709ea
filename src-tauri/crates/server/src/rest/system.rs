//! `system`: connectors tested, and the records of the systems behind them.

use api::{RemoteObject, RemotePage, RemoteQuery};
use axum::http::StatusCode;
use futures::FutureExt as _;
use model::{Attributes, Filter, ResourcePath, patch};
use serde_json::Value;

use super::{
    list::{self, Part, Wanted},
    operation::{Answer, Call, IF_MATCH, IF_NONE_MATCH, LIST, Operation, needed, switch, text},
    pieces,
};
use crate::{precondition::Tags, problem::Problem};

/// Records that are read at a time when all are asked for.
const AT_A_TIME: usize = 1000;
/// Most records that are sorted here, where the other system gives no order.
const SORTED_HERE: usize = 20_000;

pub(crate) fn operations() -> Vec<Operation> {
    let (types, record) = ("/openidm/system/{name}/{type}", "/openidm/system/{name}/{type}/{id}");
    vec![
        Operation::new("POST", "/openidm/system", "Tests every connector", "ConnectorTests", |c| {
            test_all(c).boxed()
        })
        .action("test")
        .reads(),
        Operation::new("POST", "/openidm/system/{name}", "Tests a connector", "ConnectorTest", |c| {
            test(c).boxed()
        })
        .action("test")
        .reads(),
        Operation::new(
            "POST",
            "/openidm/system/{name}",
            "Runs a script of the connector's systemActions; further parameters and the body's fields are its arguments",
            "ScriptRun",
            |c| script(c).boxed(),
        )
        .action("script")
        .takes(&[
            needed("scriptId", "The script's id"),
            text("scriptExecuteMode", "connector, which is the default: HubSpot, Salesforce and SCIM servers run no scripts"),
        ])
        .optional_body("Object"),
        Operation::new(
            "POST",
            "/openidm/system",
            "Brings in what has changed in a system, by every mapping that follows it",
            "LiveSync",
            |c| live_sync_of(c).boxed(),
        )
        .action("liveSync")
        .takes(&[
            needed("source", "The records: system/NAME/TYPE"),
            switch("detailedFailure", "Accepted; what failed is in the runs"),
        ]),
        Operation::new(
            "POST",
            types,
            "Brings in what has changed, by every mapping that follows these records",
            "LiveSync",
            |c| live_sync(c).boxed(),
        )
        .action("liveSync")
        .takes(&[switch("detailedFailure", "Accepted; what failed is in the runs")]),
        Operation::new("GET", types, "Lists records", "List", |c| query(c).boxed()).takes(&LIST),
        Operation::new("POST", types, "Makes a record", "Record", |c| create(c).boxed())
            .action("create")
            .body("Object")
            .answers(StatusCode::CREATED),
        Operation::new("GET", record, "Shows a record", "Record", |c| read(c).boxed()),
        Operation::new("PUT", record, "Sets attributes of a record", "Record", |c| update(c).boxed())
            .takes(&[IF_MATCH, IF_NONE_MATCH])
            .body("Object"),
        Operation::new("PATCH", record, "Changes attributes of a record", "Record", |c| {
            patch_record(c).boxed()
        })
        .takes(&[IF_MATCH])
        .body("Patch"),
        Operation::new("DELETE", record, "Deletes a record and shows what it was", "Record", |c| {
            delete(c).boxed()
        })
        .takes(&[IF_MATCH]),
    ]
}

async fn test_all(call: Call) -> Result<Answer, Problem> {
    let app = call.app();
    let names = app.connector_names().await?;
    // Side by side: a system that does not answer must not hold up the others.
    let tests = names.iter().map(|name| app.connector_test_document(name));
    let rows: Result<Vec<Value>, _> = futures::future::join_all(tests).await.into_iter().collect();
    Ok(Answer::ok(Value::Array(rows?)))
}

async fn test(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(call.app().connector_test_document(call.part("name")).await?))
}

async fn script(call: Call) -> Result<Answer, Problem> {
    if call.text("scriptExecuteMode").is_some_and(|mode| !mode.eq_ignore_ascii_case("connector")) {
        return Err(Problem::bad_request(
            "the system behind this connector runs no scripts; leave scriptExecuteMode out, and the script runs on the connector",
        ));
    }
    let own = |name: &str| name.starts_with('_') || matches!(name, "scriptId" | "scriptExecuteMode");
    let mut arguments: Attributes = call
        .query
        .iter()
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| (name.clone(), Value::String(value.clone())))
        .collect();
    if call.body.is_some() {
        arguments.extend(call.object()?);
    }
    let document =
        call.app().script_on_connector(call.part("name"), call.needed("scriptId")?, arguments).await?;
    Ok(Answer::ok(document))
}

async fn live_sync(call: Call) -> Result<Answer, Problem> {
    let (name, kind, _) = place(&call);
    Ok(Answer::ok(call.app().live_sync_document(name, kind).await?))
}

async fn live_sync_of(call: Call) -> Result<Answer, Problem> {
    let source = call.needed("source")?;
    match source.parse() {
        Ok(ResourcePath::System { connector, object_type }) => {
            Ok(Answer::ok(call.app().live_sync_document(&connector, &object_type).await?))
        }
        _ => Err(Problem::bad_request(format!("source `{source}` is not of the form system/NAME/TYPE"))),
    }
}

async fn query(call: Call) -> Result<Answer, Problem> {
    let wanted = Wanted::read(&call)?;
    let asked = RemoteQuery {
        connector: call.part("name").to_owned(),
        object_type: call.part("type").to_owned(),
        filter: Some(wanted.filter.clone()).filter(|filter| *filter != Filter::Always(true)),
        attributes: wanted.fields.heads().into_iter().filter(|name| !name.starts_with('_')).collect(),
        after: wanted.cookie.clone(),
        limit: wanted.size.unwrap_or(AT_A_TIME),
    };
    let app = call.app();
    let sorted = !wanted.sort.is_empty();
    if sorted || wanted.count || wanted.count_only || wanted.offset > 0 {
        // The other system's lists know neither counts nor positions, and its own order alone.
        let mut rows = Vec::new();
        let mut attributes = asked.attributes.clone();
        if !attributes.is_empty() {
            let keys = wanted.sort.iter().filter_map(|(name, _)| name.split('/').next().map(str::to_owned));
            attributes.extend(keys.filter(|name| !name.starts_with('_')));
            attributes.sort();
            attributes.dedup();
        }
        // A cookie of a sorted list is a position in it.
        let after = asked.after.clone().filter(|_| !sorted);
        let mut asked = RemoteQuery { limit: AT_A_TIME, attributes, after, ..asked };
        loop {
            let page = app.remote_page(asked.clone()).await?;
            rows.extend(page.objects.into_iter().map(record_document));
            asked.after = page.next;
            if asked.after.is_none() {
                break;
            }
            if sorted && rows.len() > SORTED_HERE {
                return Err(Problem::bad_request(format!(
                    "more than {SORTED_HERE} records match, too many to be sorted here; narrow _queryFilter, or leave _sortKeys out"
                )));
            }
        }
        let cookie = wanted.cookie.clone().filter(|_| sorted);
        let wanted = Wanted { filter: Filter::Always(true), cookie, numbers: true, ..wanted };
        return list::part_of(rows, &wanted);
    }
    let page = app.remote_page(asked.clone()).await?;
    let (fields, whole) = (wanted.fields.clone(), wanted.size.is_none());
    let shown = move |page: RemotePage| Part {
        result: page.objects.into_iter().map(|object| fields.of(record_document(object))).collect(),
        cookie: page.next,
        total: None,
    };
    if !whole || page.next.is_none() {
        return Ok(wanted.answer(shown(page)));
    }
    let app = call.app().clone();
    Ok(pieces::whole_list(shown(page), move |cookie| {
        let (app, shown) = (app.clone(), shown.clone());
        let asked = RemoteQuery { after: Some(cookie), ..asked.clone() };
        async move { Ok(shown(app.remote_page(asked).await?)) }.boxed()
    }))
}

async fn read(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    let wanted = fields.heads().into_iter().filter(|name| !name.starts_with('_')).collect();
    let (name, kind, id) = place(&call);
    let object = call.app().remote_get(name, kind, id, wanted).await?;
    Ok(Answer::ok(record_document(object)).only(&fields))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let attributes = own(call.object()?);
    let (name, kind, _) = place(&call);
    let object = call.app().remote_create(name, kind, attributes).await?;
    let location = format!("/openidm/system/{name}/{kind}/{}", object.uid);
    Ok(Answer::created(record_document(object), location).only(&call.fields()))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    if call.must_be_new()? {
        return Err(Problem::bad_request(
            "the other system chooses the ids of its records; use POST with _action=create",
        ));
    }
    no_revision(&call)?;
    let attributes = own(call.object()?);
    let (name, kind, id) = place(&call);
    let object = call.app().remote_update(name, kind, id, attributes).await?;
    Ok(Answer::ok(record_document(object)).only(&call.fields()))
}

async fn patch_record(call: Call) -> Result<Answer, Problem> {
    no_revision(&call)?;
    let wrong = |error: patch::PatchError| Problem::bad_request(error.to_string());
    let steps = patch::parse(call.body.as_ref().unwrap_or(&Value::Null)).map_err(wrong)?;
    let (name, kind, id) = place(&call);
    let before = call.app().remote_get(name, kind, id, Vec::new()).await?.attributes;
    let mut after = before.clone();
    patch::apply(&steps, &mut after).map_err(wrong)?;
    let mut changes: Attributes = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    for gone in before.keys().filter(|name| !after.contains_key(*name)) {
        changes.insert(gone.clone(), Value::Null);
    }
    let object = call.app().remote_update(name, kind, id, own(changes)).await?;
    Ok(Answer::ok(record_document(object)).only(&call.fields()))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    no_revision(&call)?;
    let (name, kind, id) = place(&call);
    let object = call.app().remote_delete(name, kind, id).await?;
    Ok(Answer::ok(record_document(object)).only(&call.fields()))
}

fn place(call: &Call) -> (&str, &str, &str) {
    (call.part("name"), call.part("type"), call.part("id"))
}

/// The records of other systems have no revision here.
fn no_revision(call: &Call) -> Result<(), Problem> {
    match call.if_match()? {
        Some(Tags::These(_)) => {
            Err(Problem::precondition("records of another system have no revision; use If-Match: *"))
        }
        _ => Ok(()),
    }
}

/// The attributes of a document, without what is about the document.
fn own(attributes: Attributes) -> Attributes {
    attributes.into_iter().filter(|(name, _)| !matches!(name.as_str(), "_id" | "_rev")).collect()
}

fn record_document(object: RemoteObject) -> Value {
    let mut document = Attributes::new();
    document.insert("_id".into(), object.uid.into());
    document.extend(object.attributes);
    Value::Object(document)
}
