//! Records as HubSpot writes them: every value a string or null, ids as strings.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::crm::Crm;
use super::properties::Property;
use super::properties::PropertyId;
use super::record::Record;
use super::state::{ObjectKind, Table};
use super::time::iso;

/// Which properties an answer shows; looked up once per request, not once per record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub shown: Vec<PropertyId>,
    pub history: Vec<PropertyId>,
    /// Show everything that has a value, as the answers to writes do.
    pub all_set: bool,
    /// Object types whose associations are listed with each record.
    pub associations: Vec<ObjectKind>,
}

impl Selection {
    /// Requested names, or the defaults when none is named. A name that is not defined is ignored.
    pub(crate) fn of(table: &Table, requested: &[String]) -> Selection {
        let mut names: Vec<&str> = vec!["createdate", "hs_object_id", table.kind.modified()];
        if requested.is_empty() {
            names.extend_from_slice(match table.kind {
                ObjectKind::Contact => &["email", "firstname", "lastname"],
                ObjectKind::Company => &["domain", "name"],
            });
        }
        names.extend(requested.iter().map(String::as_str));
        Selection { shown: ids(table, names), ..Selection::default() }
    }

    /// Everything with a value.
    pub(crate) fn everything() -> Selection {
        Selection { all_set: true, ..Selection::default() }
    }

    pub(crate) fn with_history(mut self, table: &Table, names: &[String]) -> Selection {
        self.history = ids(table, names.iter().map(String::as_str).collect());
        self
    }
}

fn ids(table: &Table, mut names: Vec<&str>) -> Vec<PropertyId> {
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| table.properties.find(name).map(|(id, _)| id)).collect()
}

/// One record in an answer.
pub(crate) struct View<'a> {
    pub crm: &'a Crm,
    pub table: &'a Table,
    pub record: &'a Record,
    pub selection: &'a Selection,
    /// `new` of an upsert.
    pub new: Option<bool>,
    /// `objectWriteTraceId` of a batch input.
    pub trace: Option<&'a str>,
}

impl<'a> View<'a> {
    pub(crate) fn of(
        crm: &'a Crm,
        table: &'a Table,
        record: &'a Record,
        selection: &'a Selection,
    ) -> View<'a> {
        View { crm, table, record, selection, new: None, trace: None }
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        let created = iso(record.created);
        let updated = if record.updated == record.created { created.clone() } else { iso(record.updated) };
        let mut map = out.serialize_map(None)?;
        map.serialize_entry("id", &record.id.to_string())?;
        map.serialize_entry("properties", &Properties(self))?;
        if !self.selection.history.is_empty() {
            map.serialize_entry("propertiesWithHistory", &Histories(self))?;
        }
        map.serialize_entry("createdAt", &created)?;
        map.serialize_entry("updatedAt", &updated)?;
        map.serialize_entry("archived", &record.archived.is_some())?;
        if let Some(at) = record.archived {
            map.serialize_entry("archivedAt", &iso(at))?;
        }
        if let Some(new) = self.new {
            map.serialize_entry("new", &new)?;
        }
        if let Some(trace) = self.trace {
            map.serialize_entry("objectWriteTraceId", trace)?;
        }
        if !self.selection.associations.is_empty() {
            let listed =
                super::associations::inline(self.crm, self.table.kind, record, &self.selection.associations);
            if !listed.is_empty() {
                map.serialize_entry("associations", &listed)?;
            }
        }
        map.end()
    }
}

impl<'a> View<'a> {
    fn value(&self, id: PropertyId, property: &Property) -> Option<Cow<'a, str>> {
        let links = self.crm.links.of(self.table.kind, self.record.id);
        self.table.value(self.record, id, property, links)
    }
}

struct Properties<'a>(&'a View<'a>);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let view = self.0;
        let registry = &view.table.properties;
        let mut map = out.serialize_map(None)?;
        if view.selection.all_set {
            let mut set: Vec<_> = registry
                .iter()
                .filter(|(_, property)| property.archived.is_none())
                .filter_map(|(id, property)| Some((property.name.as_str(), view.value(id, property)?)))
                .collect();
            set.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in set {
                map.serialize_entry(name, &value)?;
            }
        }
        for id in &view.selection.shown {
            if let Some(property) = registry.get(*id) {
                map.serialize_entry(&property.name, &view.value(*id, property))?;
            }
        }
        map.end()
    }
}

struct Histories<'a>(&'a View<'a>);

impl Serialize for Histories<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        for id in &self.0.selection.history {
            if let Some(property) = self.0.table.properties.get(*id) {
                map.serialize_entry(&property.name, &History(self.0.record, *id))?;
            }
        }
        map.end()
    }
}

struct History<'a>(&'a Record, PropertyId);

impl Serialize for History<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let changes = self.0.history(self.1);
        let mut seq = out.serialize_seq(Some(changes.len()))?;
        for change in changes {
            let (source_type, source_id) = change.source.wire();
            let mut entry = serde_json::Map::new();
            entry.insert("value".into(), change.value.as_deref().unwrap_or_default().into());
            entry.insert("timestamp".into(), iso(change.at).into());
            entry.insert("sourceType".into(), source_type.into());
            entry.insert("sourceId".into(), source_id.into());
            if source_type == "CRM_UI" {
                entry.insert("updatedByUserId".into(), 100.into());
            }
            seq.serialize_element(&entry)?;
        }
        seq.end()
    }
}
