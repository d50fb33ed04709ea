//! What a portal holds, and the rules that HubSpot itself keeps whoever writes: one record per e-mail address,
//! lifecycle stages that only move forward, ids that survive a merge as aliases.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::catalogue::LIFECYCLE;
use super::properties::PropertyId;
use super::properties::{Derived, Property, PropertyProblem, Registry};
use super::record::{Record, Source};
use super::time::iso;
use crate::values::Values;

/// The CRM object types a sandbox portal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// `contacts`, `contact`, `0-1`.
    Contact,
    /// `companies`, `company`, `0-2`.
    Company,
}

impl ObjectKind {
    /// Any of the names HubSpot accepts in a path.
    pub(crate) fn parse(name: &str) -> Option<ObjectKind> {
        match name.to_ascii_lowercase().as_str() {
            "contacts" | "contact" | "0-1" => Some(ObjectKind::Contact),
            "companies" | "company" | "0-2" => Some(ObjectKind::Company),
            _ => None,
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            ObjectKind::Contact => "Contact",
            ObjectKind::Company => "Company",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            ObjectKind::Contact => "contacts",
            ObjectKind::Company => "companies",
        }
    }

    pub(crate) fn type_id(self) -> &'static str {
        match self {
            ObjectKind::Contact => "0-1",
            ObjectKind::Company => "0-2",
        }
    }

    /// The property that says when a record was last modified; the other name exists but stays empty.
    pub(crate) fn modified(self) -> &'static str {
        match self {
            ObjectKind::Contact => "lastmodifieddate",
            ObjectKind::Company => "hs_lastmodifieddate",
        }
    }

    /// One of these is needed to create a record.
    fn naming(self) -> &'static [&'static str] {
        match self {
            ObjectKind::Contact => &["email", "firstname", "lastname"],
            ObjectKind::Company => &["name", "domain"],
        }
    }
}

/// Why a write was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Invalid(Vec<PropertyProblem>),
    /// The e-mail address belongs to another contact; `None` when that is another input of the same batch.
    Exists(Option<u64>),
    NotFound,
}

/// Unique values that earlier inputs of a batch have taken.
pub(crate) type Claims = BTreeSet<(PropertyId, String)>;

/// One checked input: property ids with the values to keep.
pub(crate) type Changes = Vec<(PropertyId, String)>;

/// Which records a search has to look at; all that match are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// Those whose ids are greater than this one.
    After(u64),
    /// These.
    Among(BTreeSet<u64>),
}

impl Candidates {
    fn has(&self, id: u64) -> bool {
        match self {
            Candidates::After(least) => id > *least,
            Candidates::Among(ids) => ids.contains(&id),
        }
    }
}

/// All records of one object type.
#[derive(Debug)]
pub(crate) struct Table {
    pub kind: ObjectKind,
    pub properties: Registry,
    pub live: BTreeMap<u64, Record>,
    pub archived: BTreeMap<u64, Record>,
    /// Ids merged away and the id that took over.
    pub aliases: HashMap<u64, u64>,
    unique: HashMap<PropertyId, HashMap<Box<str>, u64>>,
    /// Versions that the search index still shows: until when, and what (nothing for a record not yet indexed).
    lagging: HashMap<u64, Vec<(i64, Option<Record>)>>,
    pub next_id: u64,
}

impl Table {
    pub(crate) fn new(kind: ObjectKind, now: i64) -> Table {
        Table {
            kind,
            properties: Registry::new(kind, now),
            live: BTreeMap::new(),
            archived: BTreeMap::new(),
            aliases: HashMap::new(),
            unique: HashMap::new(),
            lagging: HashMap::new(),
            next_id: 101,
        }
    }

    /// Follows merges: the id under which a record is kept now.
    pub(crate) fn resolve(&self, id: u64) -> u64 {
        let mut id = id;
        while let Some(next) = self.aliases.get(&id) {
            id = *next;
        }
        id
    }

    pub(crate) fn find(&self, id: u64) -> Option<&Record> {
        self.live.get(&self.resolve(id))
    }

    /// The live record that holds a unique value; e-mail addresses match whatever their case.
    pub(crate) fn holder(&self, property: PropertyId, value: &str) -> Option<u64> {
        self.unique.get(&property)?.get(value.to_lowercase().as_str()).copied()
    }

    /// A property's text, stored or derived.
    pub(crate) fn value<'a>(
        &self,
        record: &'a Record,
        id: PropertyId,
        property: &Property,
        links: &[u64],
    ) -> Option<Cow<'a, str>> {
        match property.derived {
            Derived::Stored => record.values.get(id).map(Cow::Borrowed),
            Derived::ObjectId => Some(record.id.to_string().into()),
            Derived::Created => Some(iso(record.created).into()),
            Derived::Updated => Some(iso(record.updated).into()),
            Derived::Links => Some(links.len().to_string().into()),
            Derived::FirstLink => links.first().map(|id| id.to_string().into()),
            Derived::MergedIds if record.merged.is_empty() => None,
            Derived::MergedIds => {
                Some(record.merged.iter().map(u64::to_string).collect::<Vec<_>>().join(";").into())
            }
            Derived::EmailDomain => {
                self.named(record, "email").and_then(|email| Some(email.rsplit_once('@')?.1.into()))
            }
            Derived::FullName => {
                let parts = [self.named(record, "firstname"), self.named(record, "lastname")];
                let name = parts.iter().flatten().copied().collect::<Vec<_>>().join(" ");
                if name.is_empty() {
                    self.named(record, "email").map(Cow::Borrowed)
                } else {
                    Some(name.into())
                }
            }
        }
    }

    /// A stored value by property name.
    pub(crate) fn named<'a>(&self, record: &'a Record, name: &str) -> Option<&'a str> {
        record.values.get(self.properties.id(name)?)
    }

    /// Checks values that an API caller sends, all of them, so that all problems are reported together.
    pub(crate) fn check(&self, input: &[(String, String)]) -> Result<Changes, Refusal> {
        let mut problems = Vec::new();
        let mut changes = Changes::new();
        for (name, value) in input {
            match self.properties.check(name, value) {
                Ok(change) => changes.push(change),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(changes) } else { Err(Refusal::Invalid(problems)) }
    }

    /// Checks that nobody else holds the unique values, and claims them for this input.
    pub(crate) fn claim(
        &self,
        changes: &Changes,
        owner: Option<u64>,
        claims: &mut Claims,
    ) -> Result<(), Refusal> {
        for (id, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(property) = self.properties.get(*id).filter(|property| property.unique) else {
                continue;
            };
            let holder = self.holder(*id, value).filter(|holder| Some(*holder) != owner);
            let claimed = claims.contains(&(*id, value.to_lowercase()));
            if holder.is_none() && !claimed {
                continue;
            }
            if property.name == "email" {
                return Err(Refusal::Exists(holder));
            }
            // Wording as seen in reports; HubSpot documents only the code's family.
            let message = format!(
                "Cannot set {}={value}. {} already has that value.",
                property.name,
                holder.map_or_else(|| "Another input".to_owned(), |id| id.to_string())
            );
            let problem = PropertyProblem::new(&property.name, "CONFLICTING_UNIQUE_VALUE", message);
            return Err(Refusal::Invalid(vec![problem]));
        }
        for (id, value) in changes {
            if !value.is_empty() && self.properties.get(*id).is_some_and(|property| property.unique) {
                claims.insert((*id, value.to_lowercase()));
            }
        }
        Ok(())
    }

    /// A new record needs something to be called by.
    pub(crate) fn check_naming(&self, changes: &Changes) -> Result<(), Refusal> {
        let names = self.kind.naming();
        let named = changes.iter().any(|(id, value)| {
            !value.is_empty()
                && self.properties.get(*id).is_some_and(|property| names.contains(&property.name.as_str()))
        });
        if named {
            return Ok(());
        }
        let message = format!("One of {} must be set.", names.join(", "));
        let first = names.first().copied().unwrap_or_default();
        Err(Refusal::Invalid(vec![PropertyProblem::new(first, "REQUIRED_PROPERTY", message)]))
    }

    /// Adds a checked record under the next id.
    pub(crate) fn create(&mut self, changes: &Changes, now: i64, source: Source, lag: i64) -> u64 {
        let id = self.next_id;
        // Real ids have gaps: other records, archived ones, other portals' shards.
        self.next_id = id + 1 + id * 7 % 5;
        let empty = Record::new(id, Values::default(), now, source.clone());
        let settled = self.settle(&empty, changes, &source);
        let values = Values::pack(settled.iter().map(|(id, value)| (*id, value.as_str())).collect());
        self.remember(id, now, lag);
        self.insert(Record::new(id, values, now, source));
        id
    }

    /// Puts a complete record in place and indexes it.
    pub(crate) fn insert(&mut self, record: Record) {
        self.index(&record, true);
        self.next_id = self.next_id.max(record.id + 1);
        self.live.insert(record.id, record);
    }

    /// Applies checked changes. Returns false when there is no such record.
    pub(crate) fn update(
        &mut self,
        id: u64,
        changes: &Changes,
        now: i64,
        source: &Source,
        lag: i64,
        bump: bool,
    ) -> bool {
        let id = self.resolve(id);
        if !self.live.contains_key(&id) {
            return false;
        }
        self.remember(id, now, lag);
        let Some(mut record) = self.live.remove(&id) else { return false };
        self.index(&record, false);
        let changes = self.settle(&record, changes, source);
        record.write(&changes, now, source, bump);
        self.index(&record, true);
        self.live.insert(id, record);
        true
    }

    /// What the sent values come to on this record. A lifecycle stage that an app moves backwards stays (the app is
    /// answered 200 all the same); a leading `;` adds to the choices of a checkbox instead of replacing them.
    fn settle(&self, record: &Record, changes: &Changes, source: &Source) -> Changes {
        let rank = |stage: &str| LIFECYCLE.iter().position(|(value, _)| *value == stage);
        let by_app = matches!(source, Source::Integration(_));
        changes
            .iter()
            .map(|(id, value)| {
                let before = record.values.get(*id).unwrap_or_default();
                let (name, field) =
                    self.properties.get(*id).map_or(("", ""), |property| (&property.name, &property.field));
                let settled = match (name, field) {
                    ("lifecyclestage", _) => match (rank(before), rank(value)) {
                        (Some(from), Some(to)) if by_app && to < from => before.to_owned(),
                        _ => value.clone(),
                    },
                    (_, "checkbox") => choices(before, value),
                    _ => value.clone(),
                };
                (*id, settled)
            })
            .collect()
    }

    /// Moves a record to the recycle bin. Returns its id, or nothing when there is no such record.
    pub(crate) fn archive(&mut self, id: u64, now: i64, lag: i64) -> Option<u64> {
        let id = self.resolve(id);
        self.remember(id, now, lag);
        let mut record = self.live.remove(&id)?;
        self.index(&record, false);
        record.archived = Some(now);
        self.archived.insert(id, record);
        Some(id)
    }

    /// Brings a record back from the recycle bin, unless another took its e-mail address meanwhile.
    pub(crate) fn restore(&mut self, id: u64, now: i64, lag: i64) -> Result<(), Refusal> {
        let record = self.archived.get(&id).ok_or(Refusal::NotFound)?;
        let kept: Changes = record.values.iter().map(|(id, value)| (id, value.to_owned())).collect();
        self.claim(&kept, None, &mut Claims::new())?;
        self.remember(id, now, lag);
        if let Some(mut record) = self.archived.remove(&id) {
            record.archived = None;
            self.insert(record);
        }
        Ok(())
    }

    /// Removes a record for good.
    pub(crate) fn purge(&mut self, id: u64) -> bool {
        let id = self.resolve(id);
        let record = self.live.remove(&id);
        if let Some(record) = &record {
            self.index(record, false);
        }
        self.lagging.remove(&id);
        record.is_some() | self.archived.remove(&id).is_some()
    }

    /// Merges two records into a new one; both old ids become aliases of it.
    pub(crate) fn merge(
        &mut self,
        primary: u64,
        other: u64,
        now: i64,
        source: Source,
        lag: i64,
    ) -> Result<u64, Refusal> {
        let (primary, other) = (self.resolve(primary), self.resolve(other));
        let (Some(winner), Some(loser)) = (self.live.get(&primary).cloned(), self.live.get(&other).cloned())
        else {
            return Err(Refusal::NotFound);
        };
        for record in [&winner, &loser] {
            self.remember(record.id, now, lag);
            self.index(record, false);
            self.live.remove(&record.id);
        }
        let mut values = loser.values.with(winner.values.iter());
        if let (Some(email), Some(additional)) =
            (self.properties.id("email"), self.properties.id("hs_additional_emails"))
        {
            let kept = values.get(email).unwrap_or_default().to_lowercase();
            let mut addresses: Vec<String> = Vec::new();
            for record in [&winner, &loser] {
                let stored = [record.values.get(email), record.values.get(additional)];
                for address in stored.into_iter().flatten().flat_map(|all| all.split(';')) {
                    if address.to_lowercase() != kept && !addresses.iter().any(|known| known == address) {
                        addresses.push(address.to_owned());
                    }
                }
            }
            values = values.with([(additional, addresses.join(";").as_str())]);
        }
        let id = self.next_id;
        self.next_id += 3;
        let mut record = Record::new(id, values, now, source);
        record.created = winner.created.min(loser.created);
        let mut merged = vec![primary, other];
        merged.extend(winner.merged.iter().chain(&loser.merged));
        record.merged = merged;
        self.aliases.insert(primary, id);
        self.aliases.insert(other, id);
        self.remember(id, now, lag);
        self.insert(record);
        Ok(id)
    }

    /// Gives every holder of a property a place in its unique index; the name of the first double value otherwise.
    pub(crate) fn index_property(&mut self, id: PropertyId) {
        let index = self.unique.entry(id).or_default();
        for record in self.live.values() {
            if let Some(value) = record.values.get(id) {
                index.entry(value.to_lowercase().into()).or_insert(record.id);
            }
        }
    }

    fn index(&mut self, record: &Record, add: bool) {
        let email = self.properties.id("email");
        let additional = self.properties.id("hs_additional_emails");
        for (id, value) in record.values.iter() {
            let unique = self.properties.get(id).is_some_and(|property| property.unique);
            if !unique && Some(id) != additional {
                continue;
            }
            let slot = if unique { Some(id) } else { email };
            let Some(index) = slot.map(|slot| self.unique.entry(slot).or_default()) else { continue };
            let parts = if unique { vec![value] } else { value.split(';').collect() };
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                let key = part.to_lowercase();
                if add {
                    index.entry(key.into()).or_insert(record.id);
                } else if index.get(key.as_str()) == Some(&record.id) {
                    index.remove(key.as_str());
                }
            }
        }
    }

    /// Keeps what the search index shows until it has caught up.
    fn remember(&mut self, id: u64, now: i64, lag: i64) {
        if lag > 0 {
            let before = self.live.get(&id).cloned();
            self.lagging.entry(id).or_default().push((now + lag, before));
        }
    }

    /// The candidates as the search index shows them at `now`. A record that the index shows as it was may match by what
    /// it was, so those are looked at whatever they are now.
    pub(crate) fn indexed(&self, now: i64, candidates: &Candidates) -> impl Iterator<Item = &Record> {
        let listed: Box<dyn Iterator<Item = &Record>> = match candidates {
            Candidates::After(least) => Box::new(
                self.live.range((Bound::Excluded(*least), Bound::Unbounded)).map(|(_, record)| record),
            ),
            Candidates::Among(ids) => {
                let found: Vec<&Record> = ids.iter().filter_map(|id| self.live.get(id)).collect();
                Box::new(found.into_iter())
            }
        };
        let late: Vec<&Record> = self
            .lagging
            .keys()
            .filter(|id| !candidates.has(**id))
            .filter_map(|id| self.live.get(id))
            .collect();
        let shown = move |id: &u64| {
            self.lagging.get(id).and_then(|versions| versions.iter().find(|(until, _)| *until > now))
        };
        let current = listed.chain(late).filter_map(move |record| match shown(&record.id) {
            Some((_, version)) => version.as_ref(),
            None => Some(record),
        });
        // Records that are gone but that the index still shows.
        let gone = self
            .lagging
            .keys()
            .filter(|id| !self.live.contains_key(id))
            .filter_map(move |id| shown(id).and_then(|(_, version)| version.as_ref()));
        current.chain(gone)
    }

    /// Forgets versions that the search index no longer shows.
    pub(crate) fn catch_up(&mut self, now: i64) {
        if !self.lagging.is_empty() {
            self.lagging.retain(|_, versions| {
                versions.retain(|(until, _)| *until > now);
                !versions.is_empty()
            });
        }
    }
}

/// The choices of a checkbox after a write.
fn choices(before: &str, sent: &str) -> String {
    let Some(added) = sent.strip_prefix(';') else { return sent.to_owned() };
    let mut chosen: Vec<&str> = Vec::new();
    for choice in before.split(';').chain(added.split(';')).filter(|choice| !choice.is_empty()) {
        if !chosen.contains(&choice) {
            chosen.push(choice);
        }
    }
    chosen.join(";")
}
