//! `managed`: the objects of the repository, the people themselves above all.

use api::{
    App, Edit, ErrorCode, Which,
    dto::{ObjectDelete, ObjectSaved, ObjectsRequest, UserRow},
    rest_object,
};
use axum::http::StatusCode;
use futures::FutureExt as _;
use model::Filter;
use serde_json::{Value, json};

use super::{
    config::{again_while_stale, in_turn},
    fields::Fields,
    list::{self, Part, Wanted},
    operation::{Answer, Call, IF_MATCH, IF_NONE_MATCH, LIST, Operation, text},
    pieces,
};
use crate::{precondition::Tags, problem::Problem};

/// Objects that are read at a time when all are asked for.
const AT_A_TIME: usize = 1000;
/// Most objects that are sorted here, by several fields, instead of by an index.
const SORTED_HERE: usize = 20_000;

pub(crate) fn operations() -> Vec<Operation> {
    let (all, one) = ("/openidm/managed/{type}", "/openidm/managed/{type}/{id}");
    let by_name = [text("uid", "The user name that _queryId=for-userName looks for")];
    vec![
        Operation::new("GET", all, "Lists objects", "ObjectList", |c| query(c).boxed())
            .takes(&LIST)
            .takes(&by_name),
        Operation::new("POST", all, "Makes an object", "ManagedObject", |c| create(c).boxed())
            .action("create")
            .body("Object")
            .answers(StatusCode::CREATED),
        Operation::new("POST", all, "Patches the one object that a query finds", "ManagedObject", |c| {
            in_turn(c, |turns| &turns.found, async |call| again_while_stale(|| patch_found(&call)).await)
                .boxed()
        })
        .action("patch")
        .takes(&LIST)
        .takes(&by_name)
        .body("Patch"),
        Operation::new("GET", one, "Shows an object", "ManagedObject", |c| read(c).boxed()),
        Operation::new("PUT", one, "Puts an object in place of what is there", "ManagedObject", |c| {
            put(c).boxed()
        })
        .takes(&[IF_MATCH, IF_NONE_MATCH])
        .body("Object"),
        Operation::new("PATCH", one, "Changes parts of an object", "ManagedObject", |c| patch(c).boxed())
            .takes(&[IF_MATCH])
            .body("Patch"),
        Operation::new("POST", one, "Changes parts of an object", "ManagedObject", |c| patch(c).boxed())
            .action("patch")
            .takes(&[IF_MATCH])
            .body("Patch"),
        Operation::new("POST", one, "Has every mapping look at an object again", "Status", |c| {
            trigger_sync_check(c).boxed()
        })
        .action("triggerSyncCheck"),
        Operation::new("DELETE", one, "Deletes an object and shows what it was", "ManagedObject", |c| {
            delete(c).boxed()
        })
        .takes(&[IF_MATCH]),
    ]
}

async fn query(call: Call) -> Result<Answer, Problem> {
    let wanted = Wanted::read(&call)?;
    let app = call.app().clone();
    // A list goes on as it began, even if an index came or went since.
    let here = match (wanted.cookie.as_deref(), wanted.sort.as_slice()) {
        (Some(cookie), _) => !is_cursor(cookie),
        (None, []) => false,
        (None, [(name, _)]) => !app.objects_sort_by_index(call.part("type"), name).await?,
        (None, _) => true,
    };
    if here && wanted.sort.is_empty() {
        return Err(list::unknown_cookie());
    }
    if here {
        return sorted_here(&call, &wanted).await;
    }
    let mut request = request(&call, &wanted);
    let mut to_skip = wanted.offset;
    while to_skip > 0 {
        let skipped = to_skip.min(AT_A_TIME);
        let page =
            app.objects_list(ObjectsRequest { limit: Some(limit(skipped)), ..request.clone() }).await?;
        let Some(next) = page.next else {
            return Ok(wanted.answer(Part {
                result: Vec::new(),
                cookie: None,
                total: wanted.count.then(|| count(page.total)),
            }));
        };
        request.after = Some(next);
        to_skip -= skipped;
    }
    let first = page(&app, request.clone(), wanted.fields.clone()).await?;
    if wanted.count_only {
        return Ok(list::count_only(first.total.unwrap_or(0)));
    }
    if wanted.size.is_some() || first.cookie.is_none() {
        return Ok(wanted.answer(Part { total: first.total.filter(|_| wanted.count), ..first }));
    }
    Ok(pieces::whole_list(first, move |cookie| {
        let (app, fields) = (app.clone(), wanted.fields.clone());
        let request = ObjectsRequest { after: Some(cookie), ..request.clone() };
        async move { page(&app, request, fields).await }.boxed()
    }))
}

/// Whether a text looks like the repository's cursors: the sort value and the id of the last object.
fn is_cursor(text: &str) -> bool {
    serde_json::from_str::<(Option<String>, String)>(text).is_ok()
}

/// Several fields, or one that is not searchable, have no index: a list that is short enough is sorted here.
async fn sorted_here(call: &Call, wanted: &Wanted) -> Result<Answer, Problem> {
    let mut request =
        ObjectsRequest { sort: None, after: None, limit: Some(limit(AT_A_TIME)), ..request(call, wanted) };
    let mut rows = Vec::new();
    loop {
        let part = page(call.app(), request.clone(), Fields::default()).await?;
        rows.extend(part.result);
        if rows.len() > SORTED_HERE {
            return Err(Problem::bad_request(format!(
                "more than {SORTED_HERE} objects match, too many to be sorted without an index; sort by one searchable attribute, or narrow _queryFilter"
            )));
        }
        match part.cookie {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    list::part_of(rows, &Wanted { filter: Filter::Always(true), ..wanted.clone() })
}

async fn page(app: &App, request: ObjectsRequest, fields: Fields) -> Result<Part, Problem> {
    let page = app.objects_list(request).await?;
    Ok(Part {
        result: page.objects.iter().map(|object| fields.of(document(object))).collect(),
        cookie: page.next,
        total: Some(count(page.total)),
    })
}

fn request(call: &Call, wanted: &Wanted) -> ObjectsRequest {
    ObjectsRequest {
        kind: call.part("type").to_owned(),
        search: None,
        filter: wanted.filter_text.clone(),
        sort: wanted
            .sort
            .first()
            .map(|(name, descending)| format!("{}{name}", if *descending { "-" } else { "" })),
        after: wanted.cookie.clone(),
        limit: Some(limit(wanted.size.unwrap_or(AT_A_TIME))),
        exact_total: wanted.count || wanted.count_only,
    }
}

fn limit(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn count(total: u64) -> usize {
    usize::try_from(total).unwrap_or(usize::MAX)
}

async fn read(call: Call) -> Result<Answer, Problem> {
    let object = call.app().object_read(call.part("type"), call.part("id")).await?;
    Ok(Answer::object(document(&object)).only(&call.fields()))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let edit = Edit::Replace(call.object()?);
    let saved = call.app().object_write(call.part("type"), Which::New(None), None, edit).await?;
    Ok(written(&call, saved))
}

async fn put(call: Call) -> Result<Answer, Problem> {
    let (kind, id) = (call.part("type"), call.part("id").to_owned());
    let must_be_new = call.must_be_new()?;
    let which = match (call.if_match()?, must_be_new) {
        (Some(_), true) => {
            return Err(Problem::bad_request("If-Match and If-None-Match exclude each other"));
        }
        (Some(_), false) => Which::There(id),
        (None, true) => Which::New(Some(id)),
        (None, false) => Which::Either(id),
    };
    let rev = revision(&call).await?;
    let saved = call.app().object_write(kind, which, rev.as_deref(), Edit::Replace(call.object()?)).await;
    match saved {
        Ok(saved) => Ok(written(&call, saved)),
        // Whoever said that it must be new gets told about that, and not about a conflict.
        Err(error) if must_be_new && error.code == ErrorCode::Conflict => {
            Err(Problem::precondition(error.message))
        }
        Err(error) => Err(error.into()),
    }
}

async fn patch(call: Call) -> Result<Answer, Problem> {
    let rev = revision(&call).await?;
    let steps = call.body.as_ref().unwrap_or(&Value::Null);
    let saved = call.app().object_patch(call.part("type"), call.part("id"), rev.as_deref(), steps).await?;
    Ok(written(&call, saved))
}

async fn patch_found(call: &Call) -> Result<Answer, Problem> {
    let wanted = Wanted::read(call)?;
    let kind = call.part("type");
    // In whatever order: of two, neither is patched.
    let asked = ObjectsRequest { limit: Some(2), sort: None, ..request(call, &wanted) };
    let found = call.app().objects_list(asked).await?.objects;
    let [object] = found.as_slice() else {
        return Err(if found.is_empty() {
            Problem::not_found(format!("no {kind} matches the query"))
        } else {
            Problem::new(
                StatusCode::CONFLICT,
                format!("more than one {kind} matches the query; patch them by their ids"),
            )
        });
    };
    let steps = call.body.as_ref().unwrap_or(&Value::Null);
    // Who was found may be changed in between, and be none that the query means.
    let saved = call.app().object_patch(kind, &object.id, Some(&object.rev), steps).await?;
    Ok(written(call, saved))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let rev = revision(&call).await?;
    let request = ObjectDelete { kind: call.part("type").to_owned(), id: call.part("id").to_owned(), rev };
    let saved = call.app().object_delete(request).await?;
    Ok(Answer::object(document(&saved.object)).only(&call.fields()))
}

async fn trigger_sync_check(call: Call) -> Result<Answer, Problem> {
    call.app().object_trigger_sync(call.part("type"), call.part("id")).await?;
    Ok(Answer::ok(json!({"status": "OK"})))
}

fn written(call: &Call, saved: ObjectSaved) -> Answer {
    let object = document(&saved.object);
    let answer = if saved.created {
        Answer::created(
            object,
            format!("/openidm/managed/{}/{}", call.part("type"), url_part(&saved.object.id)),
        )
    } else {
        Answer::object(object)
    };
    answer.only(&call.fields())
}

/// An id as a part of a path.
fn url_part(id: &str) -> String {
    let mut url = url::Url::parse("http://localhost/").ok();
    if let Some(mut parts) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        parts.clear().push(id);
    }
    url.map_or_else(|| id.to_owned(), |url| url.path().trim_start_matches('/').to_owned())
}

/// The revision that must be in force; none where any will do.
async fn revision(call: &Call) -> Result<Option<String>, Problem> {
    match call.if_match()? {
        Some(Tags::Any) | None => Ok(None),
        Some(tags @ Tags::These(_)) => {
            let object = call.app().object_read(call.part("type"), call.part("id")).await?;
            Ok(Some(tags.base(&object.rev).to_owned()))
        }
    }
}

fn document(object: &UserRow) -> Value {
    rest_object(object, &[])
}

#[cfg(test)]
mod tests {
    use super::url_part;

    #[test]
    fn ids_fit_into_paths() {
        for (id, expect) in
            [("0199-a", "0199-a"), ("ann lee", "ann%20lee"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("é", "%C3%A9")]
        {
            assert_eq!(url_part(id), expect);
        }
    }
}
