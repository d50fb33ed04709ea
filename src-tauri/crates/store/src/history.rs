//! An object's history, page by page.

use rusqlite::params;

use crate::{HistoryEntry, HistoryRow, Page, Reader, StoreError, error::ErrorKind, texts::kept_changes};

/// Who did what a run did. A row says it by the run alone.
fn by_run(run: &str) -> String {
    format!("run {run}")
}

impl HistoryEntry<'_> {
    /// Who, as it is kept.
    pub(crate) fn kept_who(&self) -> &str {
        if self.run.is_some_and(|run| by_run(run) == self.who) { "" } else { self.who }
    }
}

fn who_of(kept: String, run: Option<&str>) -> String {
    run.filter(|_| kept.is_empty()).map_or(kept, by_run)
}

impl Reader<'_> {
    /// A page of the changes of an object, newest first; with an attribute only what was done to that, and to what is
    /// inside it. `after` is the `next` of the page before.
    pub fn history_page(
        &self,
        kind: &str,
        object_id: &str,
        attribute: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<HistoryRow>, StoreError> {
        let before: i64 = match after {
            None => i64::MAX,
            Some(cursor) => cursor.parse().map_err(|_| {
                StoreError::new(ErrorKind::Other, "this page cursor is not one that this history gave")
            })?,
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, at, who, changes, run, mapping FROM history
             WHERE type = ?1 AND object_id = ?2 AND seq < ?3 ORDER BY seq DESC",
        )?;
        let found = statement.query_map(params![kind, object_id, before], |row| {
            let changes: String = row.get(3)?;
            let run: Option<String> = row.get(4)?;
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, changes, run, row.get(5)?))
        })?;
        let mut rows = Vec::new();
        for row in found {
            let (seq, at, who, changes, run, mapping) = row?;
            let mut changes = kept_changes(&changes)?;
            let who = who_of(who, run.as_deref());
            if let Some(wanted) = attribute {
                changes.retain(|change| is_within(&change.attribute, wanted));
                if changes.is_empty() {
                    continue;
                }
            }
            rows.push((seq, HistoryRow { at, who, changes, run, mapping }));
            // Rows come as they are asked for: what is older than the page is not read.
            if rows.len() > limit {
                break;
            }
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(seq, _)| seq.to_string());
        Ok(Page { rows: rows.into_iter().map(|(_, row)| row).collect(), next })
    }
}

/// Whether a changed place is the attribute or a part of it: `address/city` is within `address`.
fn is_within(place: &str, attribute: &str) -> bool {
    let place = place.strip_prefix('/').unwrap_or(place);
    place.strip_prefix(attribute).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
