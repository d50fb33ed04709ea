//! The walks of a plan: sources beside their links and targets, in key order, without the records that stand unchanged.

use model::{Attributes, ResourcePath};
use rusqlite::{Row, params_from_iter, types::Value as Sql};

use crate::{Hash, Link, LinkSpace, Orientation, Reader, StoreError, limit::rows_at_most, links::attributes};

/// One end of a mapping, as a link sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The link's first id.
    First,
    /// The link's second id.
    Second,
}

impl Side {
    /// The source's end.
    pub fn of_source(orientation: Orientation) -> Self {
        match orientation {
            Orientation::Forward => Self::First,
            Orientation::Backward => Self::Second,
        }
    }

    /// The target's end.
    pub fn of_target(orientation: Orientation) -> Self {
        match orientation {
            Orientation::Forward => Self::Second,
            Orientation::Backward => Self::First,
        }
    }

    pub(crate) fn link_column(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// What is walked: a mapping's two ends and its links. Remote ends are walked as they were last seen; after a full read that is
/// what this read has met.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Where the sources are.
    pub source: ResourcePath,
    /// Where the targets are.
    pub target: ResourcePath,
    /// The links between them, under the qualifier that is looked at.
    pub links: LinkSpace,
    /// The mapping's version.
    pub version: i64,
    /// Only these sources.
    pub ids: Option<Vec<String>>,
}

/// A source that has to be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Their hash.
    pub hash: Hash,
    /// Its link.
    pub link: Option<Link>,
    /// The linked target: attributes and hash; `None` when there is none (any more).
    pub target: Option<(Attributes, Hash)>,
}

/// A target that no source accounts for.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetCandidate {
    /// Its id.
    pub id: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Their hash.
    pub hash: Hash,
    /// The source that it is linked to, which this read did not see.
    pub linked_source: Option<String>,
    /// The qualifier of that link.
    pub qualifier: String,
}

/// The SQL that reads one end: its table with alias `{a}`, the id, hash and document columns, and what holds for its rows.
pub(crate) struct End {
    pub join: String,
    pub id: String,
    pub hash: String,
    pub doc: String,
    pub condition: String,
    pub values: Vec<Sql>,
}

pub(crate) fn end(path: &ResourcePath, alias: &str) -> End {
    match path {
        ResourcePath::Managed(kind) => End {
            join: format!("managed_object {alias}"),
            id: format!("{alias}.id"),
            hash: format!("{alias}.hash"),
            doc: format!("{alias}.doc"),
            condition: format!("{alias}.type = ?"),
            values: vec![Sql::Text(kind.clone())],
        },
        // Nothing of what arrives through SCIM is mirrored, so that such an end has no rows.
        ResourcePath::System { .. } | ResourcePath::Scim(_) => End {
            join: format!("mirror {alias}"),
            id: format!("{alias}.uid"),
            hash: format!("{alias}.hash"),
            doc: format!(
                "(SELECT doc FROM mirror_doc d WHERE d.container = {alias}.container AND d.uid = {alias}.uid)"
            ),
            condition: format!("{alias}.container = (SELECT id FROM container WHERE path = ?)"),
            values: vec![Sql::Text(path.to_string())],
        },
    }
}

impl Reader<'_> {
    /// How many sources there are.
    pub fn source_count(&self, walk: &Walk) -> Result<u64, StoreError> {
        self.end_count(&walk.source)
    }

    /// How many targets there are.
    pub fn target_count(&self, walk: &Walk) -> Result<u64, StoreError> {
        self.end_count(&walk.target)
    }

    /// How many sources have a link, under one qualifier or several, whether or not they are still there.
    pub fn linked_sources(&self, walk: &Walk) -> Result<u64, StoreError> {
        let kind = &walk.links.kind;
        let qualifiers = self.link_qualifiers(kind)?;
        if qualifiers.len() < 2 {
            return self.link_count(kind);
        }
        let of_one = format!(
            "SELECT {}_id FROM link WHERE type = ? AND qualifier = ?",
            walk.links.orientation.source_column()
        );
        // The order has SQLite merge the qualifiers side by side instead of gathering all ids.
        let sql = format!(
            "SELECT count(*) FROM ({} ORDER BY 1 LIMIT -1)",
            vec![of_one; qualifiers.len()].join(" UNION ")
        );
        let values = qualifiers.iter().flat_map(|qualifier| [kind, qualifier]);
        let count: i64 =
            self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(count.max(0) as u64)
    }

    fn end_count(&self, path: &ResourcePath) -> Result<u64, StoreError> {
        match path {
            ResourcePath::Managed(kind) => self.managed_count(kind),
            ResourcePath::System { .. } | ResourcePath::Scim(_) => self.mirror_count(&path.to_string()),
        }
    }

    /// The next sources after `after` in id order that are not known to be in sync. A source is in sync when its link
    /// remembers both hashes and this version of the mapping.
    pub fn candidates(&self, walk: &Walk, after: &str, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        let (s, t) = (end(&walk.source, "s"), end(&walk.target, "t"));
        let orientation = walk.links.orientation;
        let (sc, tc, vc) =
            (orientation.source_column(), orientation.target_column(), orientation.version_column());
        let narrowed = if walk.ids.is_some() { "IN (SELECT value FROM json_each(?))" } else { "IS NOT ?" };
        let sql = format!(
            "SELECT {sid}, {sdoc}, {shash}, l.{tc}_id, l.{vc}_source, l.{vc}_target, l.{vc},
                    json_extract(l.base, '$.{sc}'), json_extract(l.base, '$.{tc}'), {tid}, {tdoc}, {thash}
             FROM {sjoin}
             LEFT JOIN link l ON l.type = ? AND l.qualifier = ? AND l.{sc}_id = {sid}
             LEFT JOIN {tjoin} ON {tcond} AND {tid} = l.{tc}_id
             WHERE {scond} AND {sid} > ? AND {sid} {narrowed}
               AND NOT (l.seq IS NOT NULL AND {tid} IS NOT NULL AND l.{vc}_source IS {shash} AND l.{vc}_target IS {thash} AND l.{vc} IS ?)
             ORDER BY {sid} LIMIT ?",
            sid = s.id, sdoc = s.doc, shash = s.hash, sjoin = s.join, scond = s.condition,
            tid = t.id, tdoc = t.doc, thash = t.hash, tjoin = t.join, tcond = t.condition,
        );
        let mut values = vec![Sql::Text(walk.links.kind.clone()), Sql::Text(walk.links.qualifier.clone())];
        values.extend(t.values);
        values.extend(s.values);
        let ids = walk
            .ids
            .as_ref()
            .map_or(Sql::Null, |ids| Sql::Text(serde_json::Value::from(ids.clone()).to_string()));
        values.extend([
            Sql::Text(after.to_owned()),
            ids,
            Sql::Integer(walk.version),
            Sql::Integer(rows_at_most(limit)),
        ]);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(candidate(row)?);
        }
        Ok(found)
    }

    /// Whether every target that this version of the mapping has judged is as it was then. Where that is so,
    /// [`Reader::changed_sources`] finds the same candidates as [`Reader::candidates`] by walking sources and links side by side,
    /// without a look at each target.
    pub fn targets_stand(&self, walk: &Walk) -> Result<bool, StoreError> {
        let t = end(&walk.target, "t");
        let (tc, vc) = (walk.links.orientation.target_column(), walk.links.orientation.version_column());
        let sql = format!(
            "SELECT l.{tc}_id, l.{vc}_target FROM link l
             WHERE l.type = ? AND l.qualifier = ? AND l.{tc}_id > '' AND l.{vc} = ?
             EXCEPT SELECT {tid}, {thash} FROM {tjoin} WHERE {tcond} AND {tid} > ''
             ORDER BY 1, 2 LIMIT 1",
            tid = t.id,
            thash = t.hash,
            tjoin = t.join,
            tcond = t.condition,
        );
        let mut values = judged_links(walk);
        values.extend(t.values);
        Ok(!self.connection.prepare_cached(&sql)?.exists(params_from_iter(values))?)
    }

    /// The candidates of a walk over all sources whose targets stand.
    pub fn changed_sources(
        &self,
        walk: &Walk,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let s = end(&walk.source, "s");
        let (sc, vc) = (walk.links.orientation.source_column(), walk.links.orientation.version_column());
        let sql = format!(
            "SELECT {sid}, {shash} FROM {sjoin} WHERE {scond} AND {sid} > ?
             EXCEPT SELECT l.{sc}_id, l.{vc}_source FROM link l
                    WHERE l.type = ? AND l.qualifier = ? AND l.{vc} = ? AND l.{sc}_id > ?
             ORDER BY 1, 2 LIMIT ?",
            sid = s.id,
            shash = s.hash,
            sjoin = s.join,
            scond = s.condition,
        );
        let mut values = s.values;
        values.push(Sql::Text(after.to_owned()));
        values.extend(judged_links(walk));
        values.extend([Sql::Text(after.to_owned()), Sql::Integer(rows_at_most(limit))]);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| row.get(0))?;
        let ids: Vec<String> = rows.collect::<Result<_, _>>()?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.candidates(&Walk { ids: Some(ids), ..walk.clone() }, after, limit)
    }

    /// One source as this walk would see it: its attributes and hash.
    pub fn source(&self, walk: &Walk, id: &str) -> Result<Option<(Attributes, Hash)>, StoreError> {
        self.end_object(&walk.source, id)
    }

    /// One target as this walk would see it.
    pub fn target(&self, walk: &Walk, id: &str) -> Result<Option<(Attributes, Hash)>, StoreError> {
        self.end_object(&walk.target, id)
    }

    fn end_object(&self, path: &ResourcePath, id: &str) -> Result<Option<(Attributes, Hash)>, StoreError> {
        Ok(match path {
            ResourcePath::Managed(kind) => self.managed(kind, id)?.map(|m| (m.attributes, m.hash)),
            ResourcePath::System { .. } | ResourcePath::Scim(_) => {
                self.mirrored(&path.to_string(), id)?.map(|m| (m.attributes, m.hash))
            }
        })
    }

    /// The next targets after `after` in id order that neither a source of this read nor an entry of this run accounts for: one row per
    /// qualifier under which a target has a link, one row under the first qualifier for a target that has none. The
    /// rows of one target are never torn apart; a page has at least one unless there are no more.
    pub fn unaccounted_targets(
        &self,
        walk: &Walk,
        qualifiers: &[String],
        run: i64,
        after: &str,
        limit: usize,
    ) -> Result<Vec<TargetCandidate>, StoreError> {
        let (s, t) = (end(&walk.source, "s"), end(&walk.target, "t"));
        let orientation = walk.links.orientation;
        let (sc, tc) = (orientation.source_column(), orientation.target_column());
        let known = vec!["?"; qualifiers.len()].join(", ");
        // Left alone, SQLite asks the entries first, for every target, and looks through all of the run each time. The CASE
        // keeps them for the few targets without a source.
        let sql = format!(
            "SELECT {tid}, {tdoc}, {thash}, l.{sc}_id, coalesce(l.qualifier, ?) AS qualifier FROM {tjoin}
             LEFT JOIN link l ON l.type = ? AND l.qualifier IN ({known}) AND l.{tc}_id = {tid}
             LEFT JOIN {sjoin} ON {scond} AND {sid} = l.{sc}_id
             WHERE {tcond} AND {tid} > ? AND CASE WHEN {sid} IS NULL THEN
               NOT EXISTS (SELECT 1 FROM run_entry e INDEXED BY run_entry_target WHERE e.run = ? AND e.target_id = {tid}
                             AND e.action <> 'CREATE'
                             AND (l.qualifier IS NULL OR e.qualifier = l.qualifier))
               AND NOT EXISTS (SELECT 1 FROM run_claim k WHERE k.run = ? AND k.target_id = {tid}) END
             ORDER BY {tid} LIMIT ?",
            sid = s.id,
            sjoin = s.join,
            scond = s.condition,
            tid = t.id,
            tdoc = t.doc,
            thash = t.hash,
            tjoin = t.join,
            tcond = t.condition,
        );
        let first = qualifiers.first().cloned().unwrap_or_default();
        let mut values = vec![Sql::Text(first), Sql::Text(walk.links.kind.clone())];
        values.extend(qualifiers.iter().cloned().map(Sql::Text));
        values.extend(s.values);
        values.extend(t.values);
        values.extend([
            Sql::Text(after.to_owned()),
            Sql::Integer(run),
            Sql::Integer(run),
            Sql::Integer(rows_at_most(limit.saturating_add(qualifiers.len()))),
        ]);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            found.push(TargetCandidate {
                attributes: parse_doc(row.get(1)?, &id)?,
                hash: row.get(2)?,
                linked_source: row.get(3)?,
                qualifier: row.get(4)?,
                id,
            });
        }
        // A full page may have ended within a target, of which it shows at most as many rows as there are qualifiers.
        if found.len() == limit.saturating_add(qualifiers.len())
            && let Some(last) = found.last().map(|row| row.id.clone())
        {
            found.retain(|row| row.id != last);
        }
        Ok(found)
    }
}

/// The values that name the links which this version of the mapping has judged.
fn judged_links(walk: &Walk) -> Vec<Sql> {
    let LinkSpace { kind, qualifier, .. } = &walk.links;
    vec![Sql::Text(kind.clone()), Sql::Text(qualifier.clone()), Sql::Integer(walk.version)]
}

pub(crate) fn parse_doc(text: Option<String>, id: &str) -> Result<Attributes, StoreError> {
    attributes(text).ok_or_else(|| StoreError::damaged(format!("record {id}")))
}

fn candidate(row: &Row<'_>) -> Result<Candidate, StoreError> {
    let id: String = row.get(0)?;
    let linked_target: Option<String> = row.get(3)?;
    let target_there = row.get::<_, Option<String>>(9)?.is_some();
    let link = match linked_target {
        None => None,
        Some(target_id) => Some(Link {
            source_id: id.clone(),
            target_id,
            source_hash: row.get(4)?,
            target_hash: row.get(5)?,
            version: row.get(6)?,
            base_source: attributes(row.get(7)?),
            base_target: attributes(row.get(8)?),
        }),
    };
    let target = if target_there { Some((parse_doc(row.get(10)?, &id)?, row.get(11)?)) } else { None };
    Ok(Candidate { attributes: parse_doc(row.get(1)?, &id)?, hash: row.get(2)?, link, target, id })
}
