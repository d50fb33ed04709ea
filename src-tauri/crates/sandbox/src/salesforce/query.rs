//! `query` and `queryAll`: the first page, the cursor, and the pages after it.

use std::collections::VecDeque;

use serde_json::json;

use crate::answer::{Answer, JSON};
use crate::request::Request;

use super::id::id18;
use super::problem::Problem;
use super::server::Shared;
use super::soql::parser::parse;
use super::soql::plan::{Output, Plan, plan};
use super::soql::run;
use super::soql::show::{self, Node};
use super::tables::Tables;

const PAGE: usize = 2000;
const LEAST_PAGE: usize = 200;
/// Key prefix of a query locator.
const PREFIX: &str = "01g";

/// What is left of a query after its first page.
#[derive(Debug)]
struct Cursor {
    id: String,
    plan: Plan,
    nodes: Vec<Node>,
    records: Vec<u64>,
    page: usize,
    until: i64,
    /// Pages that may still be asked for, when a fault ends it early.
    pages_left: Option<u32>,
}

/// The open cursors of the integration user, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    open: VecDeque<Cursor>,
    last: u64,
}

impl Cursors {
    fn keep(&mut self, mut cursor: Cursor, most: usize) -> String {
        self.last += 1;
        cursor.id = id18(PREFIX, self.last);
        let id = cursor.id.clone();
        while self.open.len() >= most.max(1) {
            self.open.pop_front();
        }
        self.open.push_back(cursor);
        id
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.open.iter().position(|cursor| cursor.id == id)
    }

    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }
}

fn gone() -> Problem {
    Problem::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
}

pub(crate) fn start(
    shared: &Shared,
    request: &Request,
    version: u16,
    deleted: bool,
) -> Result<Answer, Problem> {
    let soql = request
        .query("q")
        .ok_or_else(|| Problem::new(400, "MALFORMED_QUERY", "A query string has to be specified"))?;
    let query = parse(soql)?;
    let tables = shared.tables();
    let plan = plan(&tables, soql, &query, request.now)?;
    match &plan.output {
        Output::Count => {
            let count = run::find(&tables, &plan, deleted).len();
            Ok(Answer::json(200, &json!({"totalSize": count, "done": true, "records": []})))
        }
        Output::Groups(_) => {
            let rows = run::aggregate(&tables, &plan, deleted);
            Ok(Answer::json(200, &json!({"totalSize": rows.len(), "done": true, "records": rows})))
        }
        Output::Rows(paths) => {
            let nodes = show::tree(plan.object, paths);
            let records = run::find(&tables, &plan, deleted);
            let asked = request.header_option("sforce-query-options", "batchSize");
            let asked = asked.and_then(|text| text.parse().ok()).unwrap_or(PAGE).clamp(LEAST_PAGE, PAGE);
            let size = shared.inner().page(asked);
            let first = records.get(..size).unwrap_or(&records);
            let mut page = Page { tables: &tables, plan: &plan, nodes: &nodes, version, next: None };
            if records.len() <= size {
                return Ok(page.answer(records.len(), first));
            }
            let pages_left = shared.inner().cursor().map(|pages| pages.saturating_sub(1));
            let cursor = Cursor {
                id: String::new(),
                plan: plan.clone(),
                nodes: nodes.clone(),
                records: records.clone(),
                page: size,
                until: request.now + shared.options.cursor_lifetime_secs * 1000,
                pages_left,
            };
            let id = shared.cursors().keep(cursor, shared.options.cursors);
            page.next = Some((id, size));
            Ok(page.answer(records.len(), first))
        }
    }
}

pub(crate) fn next(
    shared: &Shared,
    request: &Request,
    version: u16,
    locator: &str,
) -> Result<Answer, Problem> {
    let (id, offset) = locator.split_once('-').ok_or_else(gone)?;
    let offset: usize = offset.parse().map_err(|_| gone())?;
    let tables = shared.tables();
    let mut cursors = shared.cursors();
    let at = cursors.find(id).ok_or_else(gone)?;
    let cursor = cursors.open.get_mut(at).ok_or_else(gone)?;
    if request.now >= cursor.until || cursor.pages_left == Some(0) {
        cursors.open.remove(at);
        return Err(gone());
    }
    if let Some(left) = &mut cursor.pages_left {
        *left -= 1;
    }
    let rest = cursor.records.get(offset..).filter(|rest| !rest.is_empty()).ok_or_else(gone)?;
    let shown = rest.get(..cursor.page).unwrap_or(rest);
    let reached = offset + shown.len();
    let next = (reached < cursor.records.len()).then(|| (cursor.id.clone(), reached));
    let page = Page { tables: &tables, plan: &cursor.plan, nodes: &cursor.nodes, version, next };
    Ok(page.answer(cursor.records.len(), shown))
}

/// Gives a cursor up.
pub(crate) fn close(shared: &Shared, locator: &str) -> Result<Answer, Problem> {
    let id = locator.split_once('-').map_or(locator, |(id, _)| id);
    let mut cursors = shared.cursors();
    let at = cursors.find(id).ok_or_else(gone)?;
    cursors.open.remove(at);
    Ok(Answer::empty(204))
}

struct Page<'a> {
    tables: &'a Tables,
    plan: &'a Plan,
    nodes: &'a [Node],
    version: u16,
    next: Option<(String, usize)>,
}

impl Page<'_> {
    fn answer(&self, total: usize, records: &[u64]) -> Answer {
        let version = format!("{}.0", self.version);
        let table = self.tables.table(self.plan.object);
        let done = self.next.is_none();
        let mut out = format!("{{\"totalSize\":{total},\"done\":{done},").into_bytes();
        if let Some((id, offset)) = &self.next {
            let url = format!("\"nextRecordsUrl\":\"/services/data/v{version}/query/{id}-{offset}\",");
            out.extend_from_slice(url.as_bytes());
        }
        out.extend_from_slice(b"\"records\":[");
        let mut writer = show::Writer { tables: self.tables, version: &version, out };
        let mut first = true;
        for number in records {
            // A record that was purged since the query ran is left out.
            let Some(record) = table.live.get(number).or_else(|| table.bin.get(number)) else { continue };
            if !first {
                writer.out.push(b',');
            }
            first = false;
            writer.record(self.plan.object, record, self.nodes);
        }
        writer.out.extend_from_slice(b"]}");
        Answer { status: 200, content_type: JSON, headers: Vec::new(), body: writer.out }
    }
}
