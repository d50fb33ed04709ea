//! Users and groups: made, read, changed, deleted.

use std::collections::{HashMap, HashSet};

use api::{
    App, Arrivals, Edit, ErrorCode, Holder, ObjectTimes, Which,
    dto::{ManagedTypeDraft, ObjectDelete, ObjectSaved, UserRow},
};
use axum::http::StatusCode;
use model::{Attributes, ManagedObjectConfig, Pointer};
use serde_json::{Map, Value, json};

use super::{
    call::{Answer, Call},
    filter::USER_STORE,
    groups, patch, people,
    projection::Projection,
    refusal::Refusal,
    schema::{GROUPS, Kind, USERS},
    tidy,
};
use crate::precondition::Tags;

/// How often a write is tried when others than the clients of SCIM, such as the window or a sync, write the resource at the same time.
const TRIES: usize = 5;

/// The groups of people: the groups' ids and names, by the members' ids.
pub(crate) type Memberships = HashMap<String, Vec<(String, String)>>;

/// What is behind a resource type.
pub(crate) struct Behind {
    /// The managed type.
    pub config: ManagedObjectConfig,
    /// The mapping by which they arrive.
    pub arrivals: Arrivals,
}

pub(crate) async fn behind(app: &App, kind: &Kind) -> Result<Option<Behind>, Refusal> {
    let arrivals =
        if kind == &USERS { Some(app.arriving_people().await?) } else { app.arriving_groups().await? };
    let Some(arrivals) = arrivals else { return Ok(None) };
    let managed = arrivals.managed_type().to_owned();
    match app.managed_schema(&managed).await? {
        Some(config) => Ok(Some(Behind { config, arrivals })),
        // It is made with the first one.
        None if managed == kind.managed => Ok(None),
        None => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            None,
            format!(
                "{}s are to become managed/{managed}, and there is no such type; correct the mapping",
                kind.name
            ),
        )),
    }
}

pub(crate) fn projection(call: &Call, kind: &Kind) -> Projection {
    let names =
        |name| call.parameter(name).map(|text| text.split(',').map(str::trim).filter(|n| !n.is_empty()));
    Projection::read(kind, names("attributes"), names("excludedAttributes").into_iter().flatten())
}

pub(crate) async fn read(call: &Call, kind: &'static Kind, id: &str) -> Result<Answer, Refusal> {
    let (behind, row) = find(call, kind, id).await?;
    if call.if_none_match()?.is_some_and(|tags| tags.hold(&row.rev)) {
        return Ok(Answer::empty(StatusCode::NOT_MODIFIED));
    }
    shown(call, kind, &behind, &row).await.map(Answer::ok)
}

async fn find(call: &Call, kind: &'static Kind, id: &str) -> Result<(Behind, UserRow), Refusal> {
    let missing = || Refusal::not_found(format!("there is no {} `{id}`", kind.name));
    let behind = behind(&call.app, kind).await?.ok_or_else(missing)?;
    match call.app.object_read(&behind.config.name, id).await {
        Ok(row) => Ok((behind, row)),
        Err(error) if error.code == ErrorCode::NotFound => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn create(call: &Call, kind: &'static Kind) -> Result<Answer, Refusal> {
    let sent = tidy::resource(kind, call.object()?)?;
    let behind = match behind(&call.app, kind).await? {
        Some(behind) => behind,
        None => make_type(&call.app, kind).await?,
    };
    if kind == &GROUPS {
        call.app.arriving_groups_made().await?;
    }
    let saved = save(call, kind, &behind, None, None, sent).await?;
    let location = call.location(kind, &saved.object.id);
    Ok(Answer::created(shown(call, kind, &behind, &saved.object).await?, location))
}

/// The type of groups is made when the first group comes.
async fn make_type(app: &App, kind: &'static Kind) -> Result<Behind, Refusal> {
    let draft =
        ManagedTypeDraft { config: groups::managed_type(), create: false, rev: None, confirmed: true };
    match app.managed_type_save(draft).await {
        // Another first group came at the same moment and made it.
        Err(error) if error.code == ErrorCode::Stale => {}
        made => drop(made?),
    }
    behind(app, kind).await?.ok_or_else(|| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            None,
            format!("the managed type {} could not be made", kind.managed),
        )
    })
}

pub(crate) async fn replace(call: &Call, kind: &'static Kind, id: &str) -> Result<Answer, Refusal> {
    let sent = tidy::resource(kind, call.object()?)?;
    let (behind, saved) = written(call, kind, id, Asked::of(call)?, &|mut before| {
        let mut after = sent.clone();
        // A client that does not say whether somebody is active leaves it as it is.
        if let (false, Some(active)) = (after.contains_key("active"), before.shift_remove("active")) {
            after.insert("active".into(), active);
        }
        Ok(after)
    })
    .await?;
    shown(call, kind, &behind, &saved.object).await.map(Answer::ok)
}

pub(crate) async fn change(call: &Call, kind: &'static Kind, id: &str) -> Result<Answer, Refusal> {
    let body = call.object()?;
    let (behind, saved) = written(call, kind, id, Asked::of(call)?, &|before| {
        patch::apply(kind, &before, body.clone(), call.habits.loose, call.habits.loose)
    })
    .await?;
    if kind == &GROUPS && call.habits.quiet_groups {
        return Ok(Answer::empty(StatusCode::NO_CONTENT));
    }
    shown(call, kind, &behind, &saved.object).await.map(Answer::ok)
}

/// The revisions that a write asks for, and those that it does not want to meet (RFC 9110, 13.2.2).
#[derive(Default)]
struct Asked {
    one_of: Option<Tags>,
    none_of: Option<Tags>,
}

impl Asked {
    fn of(call: &Call) -> Result<Self, Refusal> {
        Ok(Self { one_of: call.if_match()?, none_of: call.if_none_match()? })
    }

    /// The revision to base the write on, where this one is in force.
    fn base(&self, in_force: &str) -> Result<String, Refusal> {
        if self.none_of.as_ref().is_some_and(|tags| tags.hold(in_force)) {
            return Err(Refusal::new(
                StatusCode::PRECONDITION_FAILED,
                None,
                "there is one already, in a revision that If-None-Match excludes",
            ));
        }
        Ok(self.one_of.as_ref().map_or(in_force, |tags| tags.base(in_force)).to_owned())
    }
}

/// Writes what a change makes of a resource as it is; again, where others write it at the same time.
async fn written(
    call: &Call,
    kind: &'static Kind,
    id: &str,
    asked: Asked,
    change: &(dyn Fn(Map<String, Value>) -> Result<Map<String, Value>, Refusal> + Sync),
) -> Result<(Behind, ObjectSaved), Refusal> {
    let _turn = call.turns.at(kind, id).await;
    let mut tries = 0;
    loop {
        tries += 1;
        let (behind, row) = find(call, kind, id).await?;
        let rev = asked.base(&row.rev)?;
        let after = change(core(call, kind, &behind, &row))?;
        let meant = rev == row.rev;
        match save(call, kind, &behind, Some(&row), Some(rev), after).await {
            Err(refusal) if refusal.status == StatusCode::PRECONDITION_FAILED && meant && tries < TRIES => {}
            Err(refusal) => return Err(refusal),
            Ok(saved) => return Ok((behind, saved)),
        }
    }
}

pub(crate) async fn delete(call: &Call, kind: &'static Kind, id: &str) -> Result<Answer, Refusal> {
    let (behind, row) = find(call, kind, id).await?;
    let asked = Asked::of(call)?;
    let base = asked.base(&row.rev)?;
    // Whoever names no revision deletes whatever is there.
    let rev = matches!(asked.one_of, Some(Tags::These(_))).then_some(base);
    let request = ObjectDelete { kind: behind.config.name, id: id.to_owned(), rev };
    call.app.object_delete(request).await?;
    if kind == &USERS {
        leave_groups(call, id).await?;
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// Who is gone is no longer a member of anything.
async fn leave_groups(call: &Call, id: &str) -> Result<(), Refusal> {
    let Some(groups) = behind(&call.app, &GROUPS).await? else { return Ok(()) };
    for group in groups_with(&call.app, &groups, Some([id.to_owned()].into())).await? {
        let leave = |mut group: Map<String, Value>| {
            if let Some(Value::Array(members)) = group.get_mut("members") {
                members.retain(|member| member.get("value").and_then(Value::as_str) != Some(id));
            }
            Ok(group)
        };
        // The user is gone whatever a group's mapping or policies say; what is left in it names nobody.
        if let Err(refusal) = written(call, &GROUPS, &group.id, Asked::default(), &leave).await {
            tracing::warn!(
                group = group.id,
                "who is gone could not be taken out of a group: {}",
                refusal.detail
            );
        }
    }
    Ok(())
}

/// The groups with any of these members, or with any at all.
async fn groups_with(
    app: &App,
    groups: &Behind,
    members: Option<HashSet<String>>,
) -> Result<Vec<Holder>, Refusal> {
    let place = groups::members_place(&groups.arrivals);
    Ok(app.objects_holding(&groups.config.name, place, members).await?)
}

/// The groups of these people, or of everybody.
pub(crate) async fn memberships(app: &App, people: Option<HashSet<String>>) -> Result<Memberships, Refusal> {
    let mut found = Memberships::new();
    if people.as_ref().is_some_and(HashSet::is_empty) {
        return Ok(found);
    }
    let Some(groups) = behind(app, &GROUPS).await? else { return Ok(found) };
    for group in groups_with(app, &groups, people).await? {
        let shown = groups::of_managed(&groups.arrivals, &group.attributes, "");
        let name = shown.get("displayName").and_then(Value::as_str).unwrap_or_default();
        for id in group.held {
            found.entry(id).or_default().push((group.id.clone(), name.to_owned()));
        }
    }
    Ok(found)
}

/// Makes a resource (`before`: none) or writes it.
async fn save(
    call: &Call,
    kind: &'static Kind,
    behind: &Behind,
    before: Option<&UserRow>,
    rev: Option<String>,
    mut resource: Map<String, Value>,
) -> Result<ObjectSaved, Refusal> {
    if kind == &USERS
        && call.habits.loose
        && let Some(Value::String(name)) = resource.get_mut("userName")
        && let Some(bare) = name.strip_prefix(USER_STORE)
    {
        *name = bare.to_owned();
    }
    if kind == &GROUPS && resource.get("displayName").is_none_or(|name| name == "") {
        return Err(Refusal::value("a group needs a `displayName`"));
    }
    let known = before.and_then(|row| row.attributes.as_object());
    if kind == &GROUPS {
        people_alone(&call.app, behind, known, &resource).await?;
    }
    let attributes = arrived(&call.app, kind, &behind.arrivals, known, resource).await?;
    let which = before.map_or(Which::New(None), |row| Which::There(row.id.clone()));
    Ok(call.app.object_write(&behind.config.name, which, rev.as_deref(), Edit::Merge(attributes)).await?)
}

/// Refuses members that are no users: a group here holds people, and a group in it would become one. An id that is nobody's is
/// taken, for its user may be made later. Members that are there already are not looked at again.
async fn people_alone(
    app: &App,
    behind: &Behind,
    before: Option<&Attributes>,
    group: &Map<String, Value>,
) -> Result<(), Refusal> {
    let refused = |id: &str| Refusal::value(format!("a member must be a User, and `{id}` is none"));
    if let Some(id) = groups::no_user(group) {
        return Err(refused(id));
    }
    let there = before.map(|before| groups::members(&behind.arrivals, before)).unwrap_or_default();
    let there: HashSet<&str> = there.iter().map(String::as_str).collect();
    let record = groups::record(group.clone());
    let new = groups::ids(&record).filter(|id| !there.contains(id)).map(str::to_owned).collect();
    let found = app.objects_there(&behind.config.name, new).await?;
    let people = people_there(app, found.iter().cloned().collect()).await?;
    found.iter().find(|id| !people.contains(*id)).map_or(Ok(()), |id| Err(refused(id)))
}

/// Those ids that a user has.
async fn people_there(app: &App, ids: Vec<String>) -> Result<HashSet<String>, Refusal> {
    match behind(app, &USERS).await? {
        Some(users) if !ids.is_empty() => Ok(app.objects_there(&users.config.name, ids).await?),
        _ => Ok(HashSet::new()),
    }
}

/// Leaves in groups, as they are shown, the members who are here. Who was deleted elsewhere than through SCIM is still noted in
/// the managed object, and a member again when the deletion is undone.
pub(crate) async fn show_who_is_here(app: &App, found: &mut [Map<String, Value>]) -> Result<(), Refusal> {
    let ids = found.iter().flat_map(groups::shown_ids).map(str::to_owned).collect();
    let people = people_there(app, ids).await?;
    for group in found {
        groups::keep(group, &people);
    }
    Ok(())
}

/// The changes of a managed object that what arrives makes, by the mapping.
async fn arrived(
    app: &App,
    kind: &Kind,
    arrivals: &Arrivals,
    before: Option<&Attributes>,
    mut resource: Map<String, Value>,
) -> Result<Attributes, Refusal> {
    let password = resource.shift_remove("password").filter(|password| password != "");
    let record = if kind == &USERS {
        people::record(&resource)
    } else {
        let mut record = groups::record(resource.clone());
        if arrivals.mentions(api::MEMBER_NAMES) {
            let ids: Vec<String> = groups::ids(&record).map(str::to_owned).collect();
            let names = app.user_names(ids.clone()).await?;
            let names: Vec<Value> =
                ids.iter().filter_map(|id| Some(names.get(id)?.as_str().into())).collect();
            record.insert(api::MEMBER_NAMES.into(), names.into());
        }
        record
    };
    let mut changes = arrivals.changes(record.clone(), before.cloned()).await?;
    let mut managed = before.cloned().unwrap_or_default();
    for (attribute, value) in &changes {
        let pointer = Pointer::parse(attribute);
        if value.is_null() {
            pointer.remove_in(&mut managed);
        } else {
            pointer.set_in(&mut managed, value.clone());
        }
    }
    let kept = if kind == &USERS {
        people::kept(arrivals, resource, &managed)
    } else {
        groups::kept(arrivals, record)
    };
    if kept.is_some() || managed.contains_key(people::KEPT) {
        changes.insert(people::KEPT.into(), kept.unwrap_or(Value::Null));
    }
    changes.extend(password.map(|password| ("password".to_owned(), password)));
    Ok(changes)
}

/// What clients write of a resource.
fn core(call: &Call, kind: &Kind, behind: &Behind, row: &UserRow) -> Map<String, Value> {
    let nothing = Attributes::new();
    let attributes = row.attributes.as_object().unwrap_or(&nothing);
    if kind == &USERS {
        people::of_managed(&behind.arrivals, attributes)
    } else {
        groups::of_managed(&behind.arrivals, attributes, &call.base)
    }
}

/// A whole resource.
pub(crate) fn whole(
    call: &Call,
    kind: &Kind,
    behind: &Behind,
    row: &UserRow,
    times: Option<&ObjectTimes>,
    memberships: &Memberships,
) -> Map<String, Value> {
    let mut resource = Map::new();
    let core = core(call, kind, behind, row);
    let mut schemas = vec![kind.urn];
    schemas.extend(kind.extensions().map(|e| e.name).filter(|urn| core.contains_key(*urn)));
    resource.insert("schemas".into(), json!(schemas));
    resource.insert("id".into(), row.id.clone().into());
    resource.extend(core);
    if let Some(groups) = memberships.get(&row.id).filter(|_| kind == &USERS) {
        let groups: Vec<Value> = groups
            .iter()
            .map(|(id, name)| {
                json!({"value": id, "$ref": format!("{}/Groups/{id}", call.base), "display": name, "type": "direct"})
            })
            .collect();
        resource.insert("groups".into(), groups.into());
    }
    let mut meta = json!({
        "resourceType": kind.name,
        "location": call.location(kind, &row.id),
        "version": format!("W/\"{}\"", row.rev),
    });
    if let (Some(times), Some(meta)) = (times, meta.as_object_mut()) {
        meta.insert("created".into(), times.created.clone().into());
        meta.insert("lastModified".into(), times.updated.clone().into());
    }
    resource.insert("meta".into(), meta);
    resource
}

/// A resource as the client asks for it.
async fn shown(call: &Call, kind: &'static Kind, behind: &Behind, row: &UserRow) -> Result<Value, Refusal> {
    let projection = projection(call, kind);
    let times = call.app.object_times(&behind.config.name, vec![row.id.clone()]).await?;
    let memberships = if kind == &USERS && projection.shows("groups") {
        memberships(&call.app, Some([row.id.clone()].into())).await?
    } else {
        Memberships::new()
    };
    let mut resource = whole(call, kind, behind, row, times.get(&row.id), &memberships);
    if kind == &GROUPS && projection.shows("members") {
        show_who_is_here(&call.app, std::slice::from_mut(&mut resource)).await?;
    }
    Ok(Value::Object(projection.of(resource)))
}
