//! Walking a list to its end, with proof that it was the end.
//!
//! Lists by index shift under the reader when records come and go, and servers get them wrong in every way: pages shorter
//! than asked, totals that are those of the page, the first page again and again. So a walk counts: every id once, as many
//! as the server says there are, and the same total from the first page to the last. Where that does not hold the list is
//! walked again, and in the end the read fails; it is never taken for the whole.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::answers::{ListPage, Problem, id_of};
use super::{Kind, Scim};
use crate::error::ConnectorError;
use crate::http::Failure;

/// How often a list is walked before it counts as unreadable.
const PASSES: u8 = 3;
/// So many pages in a row that bring nobody new, and lead on, are no list.
const IDLE_PAGES: u32 = 10;

/// Ids by two hashes that no server can foresee: a million of them fit in some tens of megabytes.
#[derive(Default)]
struct Ids {
    first: RandomState,
    second: RandomState,
    /// The pass that each was seen in last.
    seen: HashMap<(u64, u64), u8>,
}

impl Ids {
    /// Notes an id; gives the pass that it was seen in before.
    fn note(&mut self, id: &str, pass: u8) -> Option<u8> {
        self.seen.insert((self.first.hash_one(id), self.second.hash_one(id)), pass)
    }
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// By index, the first record is 1.
    Index(u64),
    /// By cursor; empty for the first page.
    Cursor(String),
}

/// A list under way.
pub(super) struct Walk {
    list: Url,
    attributes: Option<String>,
    filter: Option<String>,
    count: u64,
    place: Place,
    by_cursor: bool,
    ids: Ids,
    pass: u8,
    /// Records of this pass, also those that another process has read.
    covered: u64,
    total: Option<u64>,
    /// Whether the total was another one earlier in this pass, or a record came twice.
    moved: bool,
    first_page: bool,
    /// Set while it is asked whether anything follows a page that claims to be all.
    confirming: bool,
    /// Whether a first page that claims to be all is doubted even where it is shorter than asked.
    doubting: bool,
    /// The totals that are told are those of the page.
    totals_lie: bool,
    cursors: Vec<String>,
    /// Pages in a row that brought nobody new.
    idle: u32,
    over: bool,
}

/// A page of a walk.
pub(super) struct Step {
    /// Records that were not delivered before.
    pub fresh: Vec<(String, Map<String, Value>)>,
    /// Those that came again.
    pub repeated: u64,
    /// Where to go on in another process; `None` at the end.
    pub next: Option<String>,
    /// The server's clock.
    pub date: Option<Timestamp>,
}

impl Walk {
    /// A walk from its beginning, or from the place that [`Step::next`] told. `None` where that is no place.
    pub fn new(
        scim: &Scim,
        kind: &Kind,
        attributes: Option<String>,
        filter: Option<String>,
        after: Option<&str>,
    ) -> Option<Self> {
        let abilities = &kind.discovered.abilities;
        let page = scim.settings.page_size;
        let by_cursor = abilities.cursor;
        let mut walk = Self {
            list: scim.url(&kind.path),
            attributes,
            filter,
            count: abilities.most_results.map_or(page, |most| page.min(most)).max(1),
            place: if by_cursor { Place::Cursor(String::new()) } else { Place::Index(1) },
            by_cursor,
            ids: Ids::default(),
            pass: 1,
            covered: 0,
            total: None,
            moved: false,
            first_page: true,
            confirming: false,
            doubting: false,
            totals_lie: false,
            cursors: Vec::new(),
            idle: 0,
            over: false,
        };
        if let Some(text) = after {
            walk.go_on(text)?;
        }
        Some(walk)
    }

    fn go_on(&mut self, text: &str) -> Option<()> {
        let mut parts = text.splitn(4, ':');
        let (how, covered, total) = (parts.next()?, parts.next()?, parts.next()?);
        self.covered = covered.parse().ok()?;
        self.total = if total.is_empty() { None } else { Some(total.parse().ok()?) };
        let place = parts.next()?;
        self.place = match how {
            "index" => Place::Index(place.parse().ok().filter(|start| *start >= 1)?),
            "cursor" => Place::Cursor(place.to_owned()),
            _ => return None,
        };
        Some(())
    }

    /// A pass that does not add up is not worth going on with: the list is walked from its beginning.
    fn text(&self) -> String {
        if self.moved {
            return if self.by_cursor { "cursor:0::".to_owned() } else { "index:0::1".to_owned() };
        }
        let total = self.total.map(|t| t.to_string()).unwrap_or_default();
        match &self.place {
            Place::Index(start) => format!("index:{}:{total}:{start}", self.covered),
            Place::Cursor(cursor) => format!("cursor:{}:{total}:{cursor}", self.covered),
        }
    }

    fn url(&self) -> Url {
        let mut url = self.list.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(filter) = &self.filter {
                query.append_pair("filter", filter);
            }
            match &self.place {
                Place::Index(start) => query.append_pair("startIndex", &start.to_string()),
                Place::Cursor(cursor) => query.append_pair("cursor", cursor),
            };
            query.append_pair("count", &self.count.to_string());
            if let Some(attributes) = &self.attributes {
                query.append_pair("attributes", attributes);
            }
        }
        url
    }

    /// The next page; `None` after the last one.
    pub async fn step(&mut self, scim: &Scim) -> Result<Option<Step>, ConnectorError> {
        while !self.over {
            let call = scim.get(self.url());
            let (page, date) = match scim.http.send(&call, |a| Ok((ListPage::read(a)?, a.date()))).await {
                Ok(found) => found,
                Err(Failure::Refused(refusal)) => {
                    let problem = Problem::of_body(&refusal.body);
                    if self.confirming && matches!(refusal.status, 400 | 404) {
                        // There is no place behind the last record: nothing follows.
                        (ListPage { total: Some(0), ..ListPage::default() }, None)
                    } else if self.is_empty_by_404(refusal.status, &refusal.body) {
                        (ListPage { total: Some(0), ..ListPage::default() }, None)
                    } else if self.relax(scim, refusal.status, &problem) {
                        continue;
                    } else if refusal.status == 400 && problem.is(&["expiredCursor", "invalidCursor"]) {
                        self.again(scim, "its cursors end before it does")?;
                        continue;
                    } else {
                        return Err(refusal.error);
                    }
                }
                Err(failure) => return Err(failure.into()),
            };
            return self.take(scim, page, date).map(Some);
        }
        Ok(None)
    }

    /// Some servers say "not found" for a condition that nothing meets.
    fn is_empty_by_404(&self, status: u16, body: &[u8]) -> bool {
        status == 404
            && self.filter.is_some()
            && self.first_page
            && serde_json::from_slice::<Value>(body).is_ok_and(|d| Problem::of_document(&d).is_some())
    }

    /// Asks for more where the server does not understand what narrows the list; whoever reads looks at each record anyway.
    fn relax(&mut self, scim: &Scim, status: u16, problem: &Problem) -> bool {
        if !self.first_page || !matches!(status, 400 | 501) {
            return false;
        }
        let about_filter = problem.is(&["invalidFilter"]) || status == 501;
        if self.attributes.is_some() && !about_filter {
            tracing::info!(connector = %scim.name, "the server does not take attributes=: {}", problem.words());
            self.attributes = None;
            return true;
        }
        if self.filter.take().is_some() {
            tracing::info!(connector = %scim.name, "the server does not take this filter: {}", problem.words());
            return true;
        }
        false
    }

    /// The same for a list that must be whole, because what it lacks counts as gone: servers that give fewer records than
    /// asked may call those the total.
    pub fn doubting(self) -> Self {
        Self { doubting: true, ..self }
    }

    /// The same with so many records on a page.
    pub fn only(self, count: u64) -> Self {
        Self { count, ..self }
    }

    /// How many records there are, as the server said last.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Whether the server was asked for what matches alone.
    pub fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// Begins the list anew.
    fn again(&mut self, scim: &Scim, why: &str) -> Result<(), ConnectorError> {
        if self.pass >= PASSES {
            return Err(scim.untrusted(format!(
                "the list of {} cannot be read: {why}; nothing was done with the incomplete list, run again",
                self.list.path()
            )));
        }
        tracing::info!(connector = %scim.name, list = self.list.path(), "walking the list again: {why}");
        self.pass += 1;
        self.place = if self.by_cursor { Place::Cursor(String::new()) } else { Place::Index(1) };
        (self.covered, self.total, self.moved) = (0, None, false);
        (self.first_page, self.confirming) = (true, false);
        self.cursors.clear();
        self.idle = 0;
        Ok(())
    }

    fn take(&mut self, scim: &Scim, page: ListPage, date: Option<Timestamp>) -> Result<Step, ConnectorError> {
        let length = page.resources.len() as u64;
        let total = page.total.filter(|_| !self.totals_lie);
        self.moved |= !self.confirming && self.total.is_some() && self.total != total;
        let (mut fresh, mut repeated, mut new_here) = (Vec::new(), 0, 0);
        for resource in page.resources {
            let id = id_of(&resource).ok_or_else(|| scim.untrusted("a record came without an id"))?;
            match self.ids.note(&id, self.pass) {
                None => {
                    new_here += 1;
                    fresh.push((id, resource));
                }
                Some(earlier) if earlier == self.pass => repeated += 1,
                Some(_) => new_here += 1,
            }
        }
        self.covered += new_here;
        self.idle = if new_here == 0 { self.idle + 1 } else { 0 };
        let confirmed = std::mem::take(&mut self.confirming);
        if confirmed && new_here > 0 {
            // The total was that of the page. How many there are is not known, so the list ends with an empty page.
            self.totals_lie = true;
            self.total = None;
            self.moved = false;
        } else if confirmed {
            self.over = true;
            return Ok(Step { fresh, repeated, next: None, date });
        } else {
            self.moved |= repeated > 0;
            self.total = total;
        }
        let first_page = std::mem::replace(&mut self.first_page, false);
        let complete = self.total.is_none_or(|total| self.covered == total) && !self.moved;
        let why = || match self.total {
            Some(total) if self.covered < total => {
                format!("the server counts {total} and delivered {}", self.covered)
            }
            _ => "it changes while it is read".to_owned(),
        };
        let at_end = match &self.place {
            Place::Cursor(_) => match page.next_cursor {
                Some(cursor) => {
                    if self.cursors.contains(&cursor) {
                        return Err(scim.untrusted(format!(
                            "the list of {} does not advance: its cursor came again; nothing was done with the incomplete list",
                            self.list.path()
                        )));
                    }
                    if self.idle > IDLE_PAGES {
                        return Err(scim.untrusted(format!(
                            "the list of {} does not advance: {} pages in a row brought nobody new; nothing was done with the incomplete list",
                            self.list.path(),
                            self.idle
                        )));
                    }
                    self.cursors.push(cursor.clone());
                    self.place = Place::Cursor(cursor);
                    false
                }
                // It offers cursors and goes by index.
                None if first_page && self.pass == 1 && self.total.is_some_and(|t| t > length) => {
                    self.by_cursor = false;
                    self.place = Place::Index(length + 1);
                    length == 0
                }
                None => true,
            },
            Place::Index(start) => {
                if length > 0 && new_here == 0 {
                    return Err(scim.untrusted(format!(
                        "the list of {} does not advance: the server answers startIndex {start} with records that it gave before; nothing was done with the incomplete list",
                        self.list.path()
                    )));
                }
                let behind = start + length;
                let page_is_all = first_page && length > 0 && self.total == Some(length);
                self.place = Place::Index(behind);
                if page_is_all && complete && (self.doubting || length == self.count) {
                    self.confirming = true;
                    false
                } else {
                    length == 0 || self.total.is_some_and(|total| behind > total)
                }
            }
        };
        if at_end {
            if complete {
                self.over = true;
            } else {
                let why = why();
                self.again(scim, &why)?;
            }
        }
        let next = (!self.over).then(|| self.text());
        Ok(Step { fresh, repeated, next, date })
    }
}
