//! Lists: filtered, sorted, page by page.
//!
//! What the repository can look up exactly, it pages itself. The rest is a walk over what it narrows a filter down to, of which
//! only the page asked for is kept in memory.

use std::cmp::Ordering;

use api::dto::{ObjectPage, ObjectsRequest, UserRow};
use model::{Filter as Query, Pointer};
use serde_json::{Map, Value};

use super::{
    bookmarks::Bookmark,
    call::{Answer, Call},
    filter::{Filter, Scope},
    groups,
    lookup::Lookup,
    path::Path,
    projection::Projection,
    refusal::Refusal,
    resources::{Behind, Memberships, behind, memberships, show_who_is_here, whole},
    schema::{GROUPS, KINDS, Kind, USERS},
};

/// Resources on a page when the client does not say how many.
const USUAL: usize = 100;
/// Most resources on a page.
pub(crate) const LARGEST: usize = 1000;
/// Users that are read at a time.
const USERS_AT_A_TIME: usize = 1000;
/// Groups that are read at a time; there may be thousands of members in each.
const GROUPS_AT_A_TIME: usize = 50;
/// Most resources that are sorted here, without an index.
const SORTED_HERE: usize = 20_000;

/// What a client asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    filter: Option<String>,
    sort: Option<String>,
    descending: bool,
    start: usize,
    count: usize,
    only: Option<Vec<String>>,
    without: Vec<String>,
}

impl Wanted {
    /// From the query.
    pub fn of_query(call: &Call) -> Result<Self, Refusal> {
        let names = |name| {
            call.parameter(name).map(|text| text.split(',').map(|n| n.trim().to_owned()).collect::<Vec<_>>())
        };
        Self::new(
            call.parameter("filter"),
            call.parameter("sortBy"),
            call.parameter("sortOrder"),
            call.parameter("startIndex").map(whole_number).transpose()?,
            call.parameter("count").map(whole_number).transpose()?,
            names("attributes"),
            names("excludedAttributes").unwrap_or_default(),
        )
    }

    /// From the body of a search.
    pub fn of_body(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let part = |name: &str| body.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        let text = |name: &str| match part(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(format!("`{name}` must be a text")),
        };
        let number = |name: &str| match part(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => whole_number(&number.to_string()).map(Some),
            Some(_) => Err(Refusal::value(format!("`{name}` must be a whole number"))),
        };
        let names = |name: &str| {
            let items = match part(name) {
                None | Some(Value::Null) => return Ok(None),
                Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)),
                Some(_) => return Err(Refusal::value(format!("`{name}` must be a list of names"))),
            };
            let names = items.collect::<Option<Vec<_>>>();
            names.map(Some).ok_or_else(|| Refusal::value(format!("`{name}` must hold names only")))
        };
        Self::new(
            text("filter").map_err(Refusal::filter)?,
            text("sortBy").map_err(Refusal::value)?,
            text("sortOrder").map_err(Refusal::value)?,
            number("startIndex")?,
            number("count")?,
            names("attributes")?,
            names("excludedAttributes")?.unwrap_or_default(),
        )
    }

    fn new(
        filter: Option<&str>,
        sort: Option<&str>,
        order: Option<&str>,
        start: Option<i64>,
        count: Option<i64>,
        only: Option<Vec<String>>,
        without: Vec<String>,
    ) -> Result<Self, Refusal> {
        let descending = match order.map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "ascending") => false,
            Some("descending") => true,
            Some(_) => return Err(Refusal::value("`sortOrder` is ascending or descending")),
        };
        let positive = |number: i64| usize::try_from(number).unwrap_or(0);
        Ok(Self {
            filter: filter.map(str::to_owned),
            sort: sort.filter(|sort| !sort.is_empty()).map(str::to_owned),
            descending,
            start: start.map_or(1, positive).max(1),
            count: count.map_or(USUAL, positive).min(LARGEST),
            only: only.filter(|names| !names.is_empty()),
            without,
        })
    }
}

fn whole_number(text: &str) -> Result<i64, Refusal> {
    text.trim().parse().map_err(|_| Refusal::value("`startIndex` and `count` are whole numbers"))
}

/// Resources of one type.
pub(crate) async fn of_kind(call: &Call, kind: &'static Kind, wanted: Wanted) -> Result<Answer, Refusal> {
    let (total, found) = part(call, kind, &wanted, wanted.start - 1, wanted.count).await?;
    Ok(Answer::list(total, wanted.start, found))
}

/// Resources of every type, one type after the other. A filter that is about one type alone finds that one.
pub(crate) async fn of_all(call: &Call, wanted: Wanted) -> Result<Answer, Refusal> {
    let (mut total, mut found, mut refusal, mut understood) = (0, Vec::new(), None, false);
    for kind in KINDS {
        let skip = (wanted.start - 1).saturating_sub(total);
        match part(call, kind, &wanted, skip, wanted.count - found.len()).await {
            Ok((matching, more)) => {
                understood = true;
                total += matching;
                found.extend(more);
            }
            Err(refused) if refused.kind == Some("invalidFilter") => refusal = Some(refused),
            Err(refused) => return Err(refused),
        }
    }
    match refusal.filter(|_| !understood) {
        Some(refusal) => Err(refusal),
        None => Ok(Answer::list(total, wanted.start, found)),
    }
}

/// How many there are, and so many of them from there on.
async fn part(
    call: &Call,
    kind: &'static Kind,
    wanted: &Wanted,
    skip: usize,
    count: usize,
) -> Result<(usize, Vec<Value>), Refusal> {
    let loose = call.habits.loose;
    let filter = wanted.filter.as_deref().map(|text| Filter::read(Scope::Resource(kind), text, loose));
    let filter = filter.transpose().map_err(Refusal::filter)?;
    // What a type does not have puts nothing into an order.
    let sort = wanted.sort.as_deref().and_then(|name| Path::read(kind, name, loose).ok());
    let names = |names: &'_ [String]| names.iter().map(|n| n.trim().to_owned()).collect::<Vec<_>>();
    let (only, without) = (wanted.only.as_deref().map(names), names(&wanted.without));
    let projection = Projection::read(
        kind,
        only.as_ref().map(|names| names.iter().map(String::as_str)),
        without.iter().map(String::as_str),
    );
    let Some(behind) = behind(&call.app, kind).await? else { return Ok((0, Vec::new())) };
    let lookup = Lookup { behind: &behind };
    let (query, exact) =
        filter.as_ref().map_or((Query::Always(true), true), |filter| filter.narrowed(&lookup));
    let index = sort.as_ref().and_then(|path| lookup.sorting(path));
    let (filter, sort) = (filter.as_ref().filter(|_| !exact), sort.filter(|_| index.is_none()));
    let judged_by = |attribute: &str| {
        filter.is_some_and(|filter| filter.mentions(attribute))
            || sort.as_ref().is_some_and(|path| path.begins_with(attribute))
    };
    let everybody = if kind == &USERS && judged_by("groups") {
        memberships(&call.app, None).await?
    } else {
        Memberships::new()
    };
    let bare = kind == &GROUPS && !projection.shows("members") && !judged_by("members");
    let walk = Walk {
        call,
        kind,
        behind: &behind,
        filter,
        query: (query != Query::Always(true)).then(|| query.to_string()),
        order: index.map(|name| format!("{}{name}", if wanted.descending { "-" } else { "" })),
        memberships: &everybody,
        without: bare.then(|| groups::members_place(&behind.arrivals)),
        at_a_time: if kind == &GROUPS { GROUPS_AT_A_TIME } else { USERS_AT_A_TIME },
    };
    let (total, rows) = match sort {
        Some(path) => walk.sorted(&path, wanted.descending, skip, count).await?,
        None => walk.in_order(skip, count).await?,
    };
    let times =
        call.app.object_times(&behind.config.name, rows.iter().map(|row| row.id.clone()).collect()).await?;
    let memberships = if kind == &USERS && projection.shows("groups") {
        memberships(&call.app, Some(rows.iter().map(|row| row.id.clone()).collect())).await?
    } else {
        Memberships::new()
    };
    let mut shown: Vec<_> =
        rows.iter().map(|row| whole(call, kind, &behind, row, times.get(&row.id), &memberships)).collect();
    if kind == &GROUPS && projection.shows("members") {
        show_who_is_here(&call.app, &mut shown).await?;
    }
    Ok((total, shown.into_iter().map(|resource| Value::Object(projection.of(resource))).collect()))
}

/// A walk over the repository.
struct Walk<'w> {
    call: &'w Call,
    kind: &'static Kind,
    behind: &'w Behind,
    /// What the query leaves to be judged here.
    filter: Option<&'w Filter>,
    query: Option<String>,
    order: Option<String>,
    /// The groups of everybody, where somebody is judged by them.
    memberships: &'w Memberships,
    /// Where the members are whom nobody asks for: they may be most of what there is.
    without: Option<Pointer>,
    /// Objects that are read at a time.
    at_a_time: usize,
}

impl Walk<'_> {
    async fn page(
        &self,
        after: Option<String>,
        limit: usize,
        exact_total: bool,
    ) -> Result<ObjectPage, Refusal> {
        let mut page = self
            .call
            .app
            .objects_list(ObjectsRequest {
                kind: self.behind.config.name.clone(),
                search: None,
                filter: self.query.clone(),
                sort: self.order.clone(),
                after,
                limit: u32::try_from(limit.clamp(1, self.at_a_time)).ok(),
                exact_total,
            })
            .await?;
        if let Some(place) = &self.without {
            for attributes in page.objects.iter_mut().filter_map(|row| row.attributes.as_object_mut()) {
                place.remove_in(attributes);
            }
        }
        Ok(page)
    }

    async fn in_order(&self, skip: usize, count: usize) -> Result<(usize, Vec<UserRow>), Refusal> {
        if self.filter.is_none() {
            return self.as_listed(skip, count).await;
        }
        let (mut seen, mut rows, mut after) = (0, Vec::new(), None);
        loop {
            let page = self.page(after, self.at_a_time, false).await?;
            for (_, row) in self.matching(page.objects).await? {
                if seen >= skip && rows.len() < count {
                    rows.push(row);
                }
                seen += 1;
            }
            after = page.next;
            if after.is_none() {
                return Ok((seen, rows));
            }
        }
    }

    /// What the repository lists, from a place on, without a look at what stands before it.
    async fn as_listed(&self, skip: usize, count: usize) -> Result<(usize, Vec<UserRow>), Refusal> {
        let list = format!(
            "{} {:?} {:?} {}",
            self.behind.config.name,
            self.query,
            self.order,
            self.call.app.objects_state().await?
        );
        let (mut seen, mut total, mut after) = match self.call.bookmarks.before(&list, skip) {
            Some(Bookmark { place, total, after, .. }) => (place, Some(total), Some(after)),
            None => (0, None, None),
        };
        let mut rows = Vec::new();
        loop {
            let page = self.page(after, (skip + count).saturating_sub(seen), total.is_none()).await?;
            let counted = *total.get_or_insert(usize::try_from(page.total).unwrap_or(usize::MAX));
            let before = skip.saturating_sub(seen);
            seen += page.objects.len();
            rows.extend(page.objects.into_iter().skip(before).take(count - rows.len()));
            after = page.next;
            if after.is_none() || seen >= skip + count {
                if let (Some(after), true) = (after, seen == skip + count) {
                    self.call.bookmarks.put(Bookmark { list, place: seen, total: counted, after });
                }
                return Ok((counted, rows));
            }
        }
    }

    async fn sorted(
        &self,
        path: &Path,
        descending: bool,
        skip: usize,
        count: usize,
    ) -> Result<(usize, Vec<UserRow>), Refusal> {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(after, self.at_a_time, false).await?;
            for (resource, row) in self.matching(page.objects).await? {
                rows.push((sort_value(path, &resource), row));
            }
            if rows.len() > SORTED_HERE {
                return Err(Refusal::too_many(format!(
                    "more than {SORTED_HERE} resources match, too many to be sorted by this attribute; sort by another one, or narrow the filter"
                )));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        rows.sort_by(|(a, _), (b, _)| compare(a.as_deref(), b.as_deref(), descending));
        Ok((rows.len(), rows.into_iter().skip(skip).take(count).map(|(_, row)| row).collect()))
    }

    /// Those that match, as resources, of a page.
    async fn matching(&self, rows: Vec<UserRow>) -> Result<Vec<(Map<String, Value>, UserRow)>, Refusal> {
        let ids = rows.iter().map(|row| row.id.clone()).collect();
        let times = self.call.app.object_times(&self.behind.config.name, ids).await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let times = times.get(&row.id);
                let resource = whole(self.call, self.kind, self.behind, &row, times, self.memberships);
                self.filter.is_none_or(|filter| filter.matches(&resource)).then_some((resource, row))
            })
            .collect())
    }
}

/// What a resource is sorted by: the value, of a list the primary or the first one.
fn sort_value(path: &Path, resource: &Map<String, Value>) -> Option<String> {
    let values = path.values(resource);
    let primary = values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true)));
    let value = primary.or(values.first())?;
    let text = match value.get("value").unwrap_or(value) {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    Some(if path.last().is_some_and(|attribute| attribute.exact) { text } else { text.to_lowercase() })
}

/// Resources without a value come last in either direction, as in the orders that an index gives.
fn compare(a: Option<&str>, b: Option<&str>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => b.cmp(a),
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api::{App, AppOptions, dto::ObjectDraft};
    use serde_json::json;

    use super::*;
    use crate::scim::{bookmarks::Bookmarks, call::Dialect, door::Habits};

    #[tokio::test]
    async fn a_page_goes_on_from_the_one_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let options = AppOptions { data_dir: folder.path().join("data"), passphrase: None };
        let app = App::open(options).await.unwrap();
        for n in 0..12 {
            let name = format!("n{n:02}");
            let attributes =
                json!({"userName": name, "givenName": "Ann", "sn": "Lee", "mail": "a@example.org"});
            let draft = ObjectDraft { kind: "user".into(), id: None, rev: None, attributes };
            app.object_save(draft).await.unwrap();
        }
        let bookmarks: Arc<Bookmarks> = Arc::default();
        let call = Call {
            app,
            bookmarks: Arc::clone(&bookmarks),
            turns: Arc::default(),
            habits: Habits { loose: false, quiet_groups: false },
            dialect: Dialect::Two,
            base: "https://localhost/scim/v2".into(),
            query: Vec::new(),
            headers: Default::default(),
            body: Vec::new(),
        };
        let page = async |start: i64| {
            let wanted = Wanted::new(None, Some("userName"), None, Some(start), Some(4), None, Vec::new());
            let (total, rows) = part(&call, &USERS, &wanted.unwrap(), start as usize - 1, 4).await.unwrap();
            let names = rows.iter().map(|row| row["userName"].as_str().unwrap().to_owned());
            (total, names.collect::<Vec<_>>())
        };
        assert_eq!(page(1).await, (12, ["n00", "n01", "n02", "n03"].map(str::to_owned).to_vec()));
        // A bookmark that lies shows that it is what the next page goes by.
        let first = bookmarks.last().unwrap();
        assert_eq!((first.place, first.total), (4, 12));
        bookmarks.put(Bookmark { place: 8, total: 99, ..first });
        assert_eq!(page(9).await, (99, ["n04", "n05", "n06", "n07"].map(str::to_owned).to_vec()));
        assert_eq!(page(5).await, (12, ["n04", "n05", "n06", "n07"].map(str::to_owned).to_vec()));
    }
}
