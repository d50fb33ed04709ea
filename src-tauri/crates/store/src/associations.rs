//! The sources of a mapping beside the targets that they are linked to, for people who put links right by hand.

use model::Attributes;
use rusqlite::{params_from_iter, types::Value as Sql};

use crate::{
    Page, Reader, StoreError, Walk,
    limit::{one_more, rows_at_most},
    links::attributes,
    plan::{end, parse_doc},
};

/// Sources that one page looks through at most: few of a million may stand as asked.
const LOOKED_THROUGH: usize = 20_000;

/// Which sources are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All of them.
    Any,
    /// Those that have a link.
    Linked,
    /// Those that have none.
    Unlinked,
    /// Those whose linked target is not there (any more).
    Dangling,
}

/// A source and what it is linked to.
#[derive(Debug, Clone, PartialEq)]
pub struct Association {
    /// The source's id.
    pub id: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// The target that its link names.
    pub target_id: Option<String>,
    /// That target, if it is there.
    pub target: Option<Attributes>,
}

impl Reader<'_> {
    /// The next sources after `after` in id order that stand as asked, as they were last seen. A page may have fewer rows than
    /// `limit`, even none, and still have a next one: looking through a page's worth of sources is bounded.
    pub fn associations(
        &self,
        walk: &Walk,
        standing: Standing,
        after: &str,
        limit: usize,
    ) -> Result<Page<Association>, StoreError> {
        let (s, t) = (end(&walk.source, "s"), end(&walk.target, "t"));
        let orientation = walk.links.orientation;
        let (sc, tc) = (orientation.source_column(), orientation.target_column());
        let wanted = match standing {
            Standing::Any => "1".to_owned(),
            Standing::Linked => "l.seq IS NOT NULL".to_owned(),
            Standing::Unlinked => "l.seq IS NULL".to_owned(),
            Standing::Dangling => format!("l.seq IS NOT NULL AND {} IS NULL", t.id),
        };
        let looked = self.looked_through(&s.id, &s.join, &s.condition, &s.values, after)?;
        let upto = if looked.is_some() { format!("AND {} <= ?", s.id) } else { String::new() };
        let sql = format!(
            "SELECT {sid}, {sdoc}, l.{tc}_id, {tdoc} FROM {sjoin}
             LEFT JOIN link l ON l.type = ? AND l.qualifier = ? AND l.{sc}_id = {sid}
             LEFT JOIN {tjoin} ON {tcond} AND {tid} = l.{tc}_id
             WHERE {scond} AND {sid} > ? {upto} AND {wanted} ORDER BY {sid} LIMIT ?",
            sid = s.id,
            sdoc = s.doc,
            sjoin = s.join,
            scond = s.condition,
            tid = t.id,
            tdoc = t.doc,
            tjoin = t.join,
            tcond = t.condition,
        );
        let mut values = vec![Sql::Text(walk.links.kind.clone()), Sql::Text(walk.links.qualifier.clone())];
        values.extend(t.values);
        values.extend(s.values);
        values.push(Sql::Text(after.to_owned()));
        values.extend(looked.clone().map(Sql::Text));
        values.push(Sql::Integer(one_more(limit)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let id: String = row.get(0)?;
            rows.push(Association {
                attributes: parse_doc(row.get(1)?, &id)?,
                target_id: row.get(2)?,
                target: attributes(row.get(3)?),
                id,
            });
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|row| row.id.clone()) } else { looked };
        Ok(Page { rows, next })
    }

    /// The last id of the stretch of sources that a page looks through; none where it reaches the end.
    fn looked_through(
        &self,
        id: &str,
        join: &str,
        condition: &str,
        values: &[Sql],
        after: &str,
    ) -> Result<Option<String>, StoreError> {
        let sql =
            format!("SELECT {id} FROM {join} WHERE {condition} AND {id} > ? ORDER BY {id} LIMIT 1 OFFSET ?");
        let bound = values
            .iter()
            .cloned()
            .chain([Sql::Text(after.to_owned()), Sql::Integer(rows_at_most(LOOKED_THROUGH))]);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(bound))?;
        Ok(match rows.next()? {
            Some(row) => Some(row.get(0)?),
            None => None,
        })
    }
}
