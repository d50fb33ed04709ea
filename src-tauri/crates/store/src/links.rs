//! Links: which source and which target are the same person.

use std::sync::LazyLock;

use model::Attributes;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use crate::{Hash, Reader, Side, StoreError, Text, Writer};

/// Which end of the link a mapping calls its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orientation {
    /// The mapping owns the link type, or reads in the owner's direction: first = source.
    Forward,
    /// The mapping reads against the owner: second = source.
    Backward,
}

/// The links that a mapping sees under one qualifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSpace {
    /// The link type: the owning mapping's name.
    pub kind: String,
    /// The link qualifier.
    pub qualifier: String,
    /// Which end is the mapping's source.
    pub orientation: Orientation,
}

/// A link as a mapping sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The mapping's source.
    pub source_id: String,
    /// The mapping's target.
    pub target_id: String,
    /// The source when this mapping last judged the pair.
    pub source_hash: Option<Hash>,
    /// The target then.
    pub target_hash: Option<Hash>,
    /// The version of this mapping that did.
    pub version: Option<i64>,
    /// The mapped values of both sides then: `{first: {...}, second: {...}}` in the link's own orientation.
    pub base_source: Option<Attributes>,
    /// The target's part of the base.
    pub base_target: Option<Attributes>,
}

/// A link to write.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLink {
    /// Where it belongs.
    pub space: LinkSpace,
    /// The writing mapping's source.
    pub source_id: String,
    /// The writing mapping's target.
    pub target_id: String,
    /// The source as judged.
    pub source_hash: Option<Hash>,
    /// The target as it is after that.
    pub target_hash: Option<Hash>,
    /// The writing mapping's version.
    pub version: i64,
    /// The source's mapped values.
    pub base_source: Attributes,
    /// The target's mapped values.
    pub base_target: Attributes,
}

impl Orientation {
    pub(crate) fn source_column(self) -> &'static str {
        match self {
            Self::Forward => "first",
            Self::Backward => "second",
        }
    }

    pub(crate) fn target_column(self) -> &'static str {
        match self {
            Self::Forward => "second",
            Self::Backward => "first",
        }
    }

    pub(crate) fn version_column(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
        }
    }
}

fn columns(o: Orientation) -> String {
    format!(
        "{s}_id, {t}_id, {v}_source, {v}_target, {v}, json_extract(base, '$.{s}'), json_extract(base, '$.{t}')",
        s = o.source_column(),
        t = o.target_column(),
        v = o.version_column()
    )
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Link> {
    Ok(Link {
        source_id: row.get(0)?,
        target_id: row.get(1)?,
        source_hash: row.get(2)?,
        target_hash: row.get(3)?,
        version: row.get(4)?,
        base_source: attributes(row.get(5)?),
        base_target: attributes(row.get(6)?),
    })
}

fn put_sql(o: Orientation) -> String {
    let (s, t, v) = (o.source_column(), o.target_column(), o.version_column());
    let back = match o {
        Orientation::Forward => Orientation::Backward.version_column(),
        Orientation::Backward => Orientation::Forward.version_column(),
    };
    format!(
        "INSERT INTO link (type, qualifier, {s}_id, {t}_id, {v}_source, {v}_target, {v}, base, created, updated)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
         ON CONFLICT (type, qualifier, {s}_id) DO UPDATE SET
           {back} = CASE WHEN {t}_id = excluded.{t}_id THEN {back} END,
           {t}_id = excluded.{t}_id, {v}_source = excluded.{v}_source, {v}_target = excluded.{v}_target,
           {v} = excluded.{v}, base = CASE WHEN ?10 AND {t}_id = excluded.{t}_id THEN base ELSE excluded.base END,
           updated = excluded.updated"
    )
}

/// The values of both sides as a link remembers them.
pub(crate) fn base_text(
    o: Orientation,
    source: &Attributes,
    target: &Attributes,
) -> Result<String, StoreError> {
    #[derive(Serialize)]
    struct Base<'a> {
        first: &'a Attributes,
        second: &'a Attributes,
    }
    let (first, second) = match o {
        Orientation::Forward => (source, target),
        Orientation::Backward => (target, source),
    };
    serde_json::to_string(&Base { first, second }).map_err(StoreError::damaged)
}

pub(crate) fn attributes(text: Option<String>) -> Option<Attributes> {
    serde_json::from_str::<Attributes>(&text?).ok()
}

impl Reader<'_> {
    /// The link of a source.
    pub fn link_of_source(&self, space: &LinkSpace, id: &str) -> Result<Option<Link>, StoreError> {
        self.link_by(space, space.orientation.source_column(), id)
    }

    /// The link of a target.
    pub fn link_of_target(&self, space: &LinkSpace, id: &str) -> Result<Option<Link>, StoreError> {
        self.link_by(space, space.orientation.target_column(), id)
    }

    fn link_by(&self, space: &LinkSpace, end: &str, id: &str) -> Result<Option<Link>, StoreError> {
        let sql = format!(
            "SELECT {} FROM link WHERE type = ?1 AND qualifier = ?2 AND {end}_id = ?3",
            columns(space.orientation)
        );
        let key = [space.kind.as_str(), space.qualifier.as_str(), id];
        Ok(self.connection.prepare_cached(&sql)?.query_row(key, from_row).optional()?)
    }

    /// The target that a source is linked to: the link without what it remembers.
    pub fn target_linked(&self, space: &LinkSpace, source: &str) -> Result<Option<String>, StoreError> {
        self.other_end(space, Side::of_source(space.orientation), source)
    }

    /// The source that a target is linked to: the link without what it remembers.
    pub fn source_linked(&self, space: &LinkSpace, target: &str) -> Result<Option<String>, StoreError> {
        self.other_end(space, Side::of_target(space.orientation), target)
    }

    fn other_end(&self, space: &LinkSpace, known: Side, id: &str) -> Result<Option<String>, StoreError> {
        let sql = match known {
            Side::First => "SELECT second_id FROM link WHERE type = ?1 AND qualifier = ?2 AND first_id = ?3",
            Side::Second => "SELECT first_id FROM link WHERE type = ?1 AND qualifier = ?2 AND second_id = ?3",
        };
        let key = [space.kind.as_str(), space.qualifier.as_str(), id];
        self.repeated(sql, |statement| statement.query_row(key, |row| row.get(0)).optional())
    }

    /// The qualifiers under which a link type has links.
    pub fn link_qualifiers(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        // One step per qualifier, however many links each has.
        let sql = "WITH RECURSIVE step (qualifier) AS (
                     SELECT min(qualifier) FROM link WHERE type = ?1
                     UNION ALL
                     SELECT (SELECT min(qualifier) FROM link WHERE type = ?1 AND qualifier > step.qualifier)
                     FROM step WHERE step.qualifier IS NOT NULL)
                   SELECT qualifier FROM step WHERE qualifier IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([kind], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many links a link type has.
    pub fn link_count(&self, kind: &str) -> Result<u64, StoreError> {
        Ok(self
            .connection
            .prepare_cached("SELECT count(*) FROM link WHERE type = ?1")?
            .query_row([kind], |row| row.get::<_, i64>(0))?
            .max(0) as u64)
    }
}

impl Writer<'_> {
    /// Makes a link or brings it up to date; one that points at another target now has yet to be judged by the other direction.
    /// Without values to remember, what is remembered of the same pair stays: it tells whose change is newer. A link of another source to this target is an error of kind `Unique`.
    pub fn put_link(&self, link: &NewLink, at: &str) -> Result<(), StoreError> {
        self.put_link_with(link, &Text::of_base(link)?, at)
    }

    /// The same with its base in words already.
    pub fn put_link_with(&self, link: &NewLink, base: &Text, at: &str) -> Result<(), StoreError> {
        // Written for every record of a first load, and so put together once.
        static FORWARD: LazyLock<String> = LazyLock::new(|| put_sql(Orientation::Forward));
        static BACKWARD: LazyLock<String> = LazyLock::new(|| put_sql(Orientation::Backward));
        let o = link.space.orientation;
        let sql: &'static str = match o {
            Orientation::Forward => &FORWARD,
            Orientation::Backward => &BACKWARD,
        };
        self.disturbance.stamped(link);
        let says_nothing = link.base_source.is_empty() && link.base_target.is_empty();
        let values = params![
            link.space.kind,
            link.space.qualifier,
            link.source_id,
            link.target_id,
            link.source_hash,
            link.target_hash,
            link.version,
            base.0,
            at,
            says_nothing
        ];
        self.repeated(sql, |statement| statement.execute(values)).map(|_| ())
    }

    /// Removes the link of a source; false when there was none.
    pub fn remove_link(&self, space: &LinkSpace, source_id: &str) -> Result<bool, StoreError> {
        let sql = format!(
            "DELETE FROM link WHERE type = ?1 AND qualifier = ?2 AND {}_id = ?3",
            space.orientation.source_column()
        );
        let key = [space.kind.as_str(), space.qualifier.as_str(), source_id];
        Ok(self.connection.prepare_cached(&sql)?.execute(key)? > 0)
    }

    /// Points the link of one end to the id that its record has now, under every qualifier. A record that is linked under its
    /// new id already keeps that link, and the old one stays as it is, for somebody to look at.
    pub fn move_link(&self, kind: &str, side: Side, old: &str, new: &str) -> Result<u64, StoreError> {
        let end = side.link_column();
        let sql = format!(
            "UPDATE OR IGNORE link SET {end}_id = ?4, forward = NULL, backward = NULL
             WHERE type = ?1 AND qualifier = ?2 AND {end}_id = ?3"
        );
        let mut moved = 0;
        for qualifier in self.link_qualifiers(kind)? {
            moved += self.connection.prepare_cached(&sql)?.execute([kind, qualifier.as_str(), old, new])?;
        }
        Ok(moved as u64)
    }

    /// Has a pair judged anew by both directions, whatever stands in its stamps. `base` replaces what is remembered of
    /// the values when both were last in sync, where it is given.
    pub fn unsettle_link(
        &self,
        space: &LinkSpace,
        source_id: &str,
        base: Option<(&Attributes, &Attributes)>,
    ) -> Result<bool, StoreError> {
        let o = space.orientation;
        let s = o.source_column();
        let base = base.map(|(source, target)| base_text(o, source, target)).transpose()?;
        let sql = format!(
            "UPDATE link SET forward = NULL, backward = NULL, base = coalesce(?4, base)
             WHERE type = ?1 AND qualifier = ?2 AND {s}_id = ?3"
        );
        let changed = self.connection.prepare_cached(&sql)?.execute(params![
            space.kind,
            space.qualifier,
            source_id,
            base
        ])?;
        Ok(changed > 0)
    }
}
