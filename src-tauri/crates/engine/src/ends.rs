//! A mapping with its two ends at hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use connector::{Connector, ObjectTypeDescriptor, OnDeny, Write};
use mapping::{Mapping, canonical::Sameness};
use model::{
    Action, ManagedObjectConfig, MappingConfig, ResourcePath, Situation, mapping_config::ConflictRule,
};
use store::{Entry, EntryStatus, LinkSpace, Orientation, Run, Walk};

use crate::{Engine, EngineError, Overrides, accounts::Strayed, interpreter::Scripts, remedy::Remedy};

/// The version of no mapping: what is stamped with it is looked at again by the next run.
pub(crate) const UNSETTLED: i64 = 0;

/// One end of a mapping.
pub(crate) enum End {
    /// Objects of the repository.
    Managed(ManagedObjectConfig),
    /// Records of a remote system.
    Remote(Remote),
}

/// The remote end of a mapping.
pub(crate) struct Remote {
    pub connector: Arc<dyn Connector>,
    pub name: String,
    pub object_type: ObjectTypeDescriptor,
    pub path: String,
    /// The attributes to read, over all mappings of this type, so that they share one mirror.
    pub attributes: Vec<String>,
    /// The attributes that correlation asks for.
    pub indexed: BTreeSet<String>,
    /// Ids that differ only in case are one record; they are kept in lower case.
    pub fold_ids: bool,
    /// Links follow records that were merged into others; not in another account than theirs.
    pub follows: bool,
    /// Records that are gone and of which it was asked, since this was made ready, what they became: each with the one that it
    /// was merged into, if it was.
    pub became: Mutex<BTreeMap<String, Option<String>>>,
}

impl Remote {
    /// An id as it is kept.
    pub(crate) fn id(&self, id: String) -> String {
        let id = self.connector.canonical_id(id);
        if self.fold_ids { id.to_lowercase() } else { id }
    }

    /// What it takes for the same value.
    pub(crate) fn sameness(&self) -> Sameness {
        sameness(Arc::clone(&self.connector), self.object_type.name.clone())
    }

    /// What records that are gone were found to have become, as in [`Remote::became`].
    pub(crate) fn found_became(&self) -> BTreeMap<String, Option<String>> {
        self.became.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a mirror of it holds, for telling whether an earlier read asked for the same.
    pub(crate) fn signature(&self) -> String {
        self.attributes.join(",")
    }
}

impl End {
    /// An id that a person or a script gave, as it is kept.
    pub(crate) fn id(&self, id: String) -> String {
        match self {
            Self::Managed(_) => id,
            Self::Remote(remote) => remote.id(id),
        }
    }

    /// What it takes for the same value.
    pub(crate) fn sameness(&self) -> Sameness {
        self.remote().map(Remote::sameness).unwrap_or_default()
    }

    pub(crate) fn remote(&self) -> Option<&Remote> {
        match self {
            Self::Managed(_) => None,
            Self::Remote(remote) => Some(remote),
        }
    }
}

/// What a system takes for the same value in records of a type.
pub fn sameness(connector: Arc<dyn Connector>, object_type: String) -> Sameness {
    Sameness::of(move |attribute, a, b| connector.keeps_alike(&object_type, attribute, a, b))
}

/// Which sources are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// All.
    All,
    /// These.
    Some(&'a [String]),
}

/// Everything that a run of a mapping needs.
pub(crate) struct Prepared {
    pub config: MappingConfig,
    /// The mapping that shares its links in the other direction.
    pub reverse: Option<MappingConfig>,
    /// Names of all mappings that share its links.
    pub partners: Vec<String>,
    /// Both resources in words, each with where its system is.
    pub described: Vec<String>,
    /// The version of the mapping as it is stored.
    pub stored_version: i64,
    /// The mapping's version; none that a link could have where a run changes the mapping for itself.
    pub version: i64,
    pub orientation: Orientation,
    pub source: End,
    pub target: End,
    pub source_path: ResourcePath,
    pub target_path: ResourcePath,
    /// Other mappings that carry on what this one changes in the repository.
    pub followers: Vec<MappingConfig>,
    /// An end that leads to another account than the links.
    pub strayed: Option<Strayed>,
}

/// What stands between a resource and where its system is.
const AT: &str = " at ";

/// The resource of an end as it is kept with a run.
pub(crate) fn resource_of(described: &str) -> &str {
    described.split_once(AT).map_or(described, |(resource, _)| resource)
}

impl Prepared {
    /// Refuses what a run planned or did between other resources than these.
    pub(crate) fn must_be_for(&self, run: &Run) -> Result<(), EngineError> {
        let then = &run.progress.ends;
        let same = |(a, b): (&String, &String)| a.eq_ignore_ascii_case(b);
        if then.is_empty()
            || (then.len() == self.described.len() && then.iter().zip(&self.described).all(same))
        {
            return Ok(());
        }
        Err(EngineError::config(format!(
            "run {} was planned from {}, and mapping `{}` goes from {} now; nothing was written. Set it back as it was then, or start a new run",
            run.id,
            then.join(" to "),
            self.name(),
            self.described.join(" to ")
        )))
    }

    /// What the document of the target's connector leaves of a planned entry: a write that it denies is left undone or fails,
    /// as it says.
    pub(crate) fn allowed(&self, entry: Entry) -> Entry {
        let (EntryStatus::Planned, Some(remote)) = (entry.status, self.target.remote()) else { return entry };
        let write = match entry.action {
            Action::Create => Write::Create,
            Action::Update if !entry.changes.is_empty() => Write::Update,
            Action::Delete => Write::Delete,
            _ => return entry,
        };
        let kind = &remote.object_type.name;
        let Some(on_deny) = remote.connector.denies(kind, write) else { return entry };
        let reason = format!(
            "{}; not carried out: the connector's operationOptions deny {} of {kind}",
            entry.reason,
            write.as_str()
        );
        match on_deny {
            // The two belong together all the same.
            OnDeny::DoNothing
                if write == Write::Update
                    && entry.situation != Situation::Confirmed
                    && self.config.linking_enabled() =>
            {
                let reason = format!("{reason}; they are only linked");
                Entry { action: Action::Link, changes: Vec::new(), base: None, reason, ..entry }
            }
            OnDeny::DoNothing => Entry { status: EntryStatus::Skipped, claim: None, reason, ..entry },
            OnDeny::Throw => Entry {
                status: EntryStatus::Failed,
                claim: None,
                reason,
                remedy: Some(Remedy::Policy(entry.situation).to_string()),
                ..entry
            },
        }
    }

    /// The mapping compiled, with its scripts. Scripts cannot change threads, so each planning thread makes its own.
    pub(crate) fn compile(&self) -> Result<(Mapping, Scripts), EngineError> {
        let mut scripts = Scripts::new();
        let mapping = Mapping::compile(self.config.clone(), self.reverse.as_ref(), &mut scripts)?
            .telling_apart(self.source.sameness(), self.target.sameness());
        Ok((mapping, scripts))
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) fn link_type(&self) -> &str {
        self.config.link_type()
    }

    /// The link qualifiers that any source may have.
    pub(crate) fn qualifiers(
        &self,
        mapping: &Mapping,
        scripts: &Scripts,
    ) -> Result<Vec<String>, EngineError> {
        mapping
            .all_qualifiers(scripts)
            .map_err(|problem| EngineError::config(format!("mapping `{}`: {problem}", self.name())))
    }

    /// The links that the mapping sees under a qualifier.
    pub(crate) fn space(&self, qualifier: &str) -> LinkSpace {
        LinkSpace {
            kind: self.link_type().to_owned(),
            qualifier: qualifier.to_owned(),
            orientation: self.orientation,
        }
    }

    /// The walk under a qualifier: over all that the mirrors hold, which after a read is what it has met, or over these sources.
    pub(crate) fn walk(&self, qualifier: &str, scope: Scope<'_>) -> Walk {
        Walk {
            source: self.source_path.clone(),
            target: self.target_path.clone(),
            links: self.space(qualifier),
            // What another version has settled is looked at again.
            version: if self.version == UNSETTLED { -1 } else { self.version },
            ids: match scope {
                Scope::All => None,
                Scope::Some(ids) => Some(ids.to_vec()),
            },
        }
    }

    /// The walk that looks at single records as they are.
    pub(crate) fn here(&self) -> Walk {
        self.walk(mapping::DEFAULT_QUALIFIER, Scope::Some(&[]))
    }
}

impl Engine {
    /// Gathers a mapping, its reverse and its connectors; whatever is missing is an error before anything happens.
    pub(crate) async fn prepare(&self, name: &str) -> Result<Prepared, EngineError> {
        self.prepare_with(name, &Overrides::default()).await
    }

    /// The same for a run that changes the mapping for itself.
    pub(crate) async fn prepare_with(
        &self,
        name: &str,
        overrides: &Overrides,
    ) -> Result<Prepared, EngineError> {
        let mut prepared = self.prepare_unasked(name, overrides).await?;
        prepared.strayed = self.strayed(&prepared).await?;
        if prepared.strayed.is_some() {
            for end in [&mut prepared.source, &mut prepared.target] {
                if let End::Remote(remote) = end {
                    remote.follows = false;
                }
            }
        }
        Ok(prepared)
    }

    /// The same without asking a provider which account this is, for what does not leave the repository.
    pub(crate) async fn prepare_unasked(
        &self,
        name: &str,
        overrides: &Overrides,
    ) -> Result<Prepared, EngineError> {
        let wanted = name.to_owned();
        let all = self.store.read(|r| r.mappings()).await?;
        let row = all.iter().find(|m| m.config.name.eq_ignore_ascii_case(&wanted)).ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|m| m.config.name.as_str()).collect();
            let hint = if known.is_empty() {
                "none is configured yet".to_owned()
            } else {
                format!("there are: {}", known.join(", "))
            };
            EngineError::NotFound(format!("no such mapping: {name}; {hint}"))
        })?;
        let mut config = row.config.clone();
        overrides.put_on(&mut config)?;
        let (source_path, target_path) = (config.source_path()?, config.target_path()?);
        let orientation = self.orientation(&config, all.iter().map(|m| &m.config))?;
        let reverse = all
            .iter()
            .map(|m| &m.config)
            .find(|m| {
                m.link_type() == config.link_type() && m.source == config.target && m.target == config.source
            })
            .cloned();
        let partners = all
            .iter()
            .map(|m| &m.config)
            .filter(|m| m.name != config.name && m.link_type() == config.link_type())
            .map(|m| m.name.clone())
            .collect();
        let followers = all
            .iter()
            .map(|m| &m.config)
            .filter(|m| {
                target_path.is_managed()
                    && m.source == config.target
                    && m.sync_enabled()
                    && m.link_type() != config.link_type()
            })
            .cloned()
            .collect();
        let mappings: Vec<MappingConfig> = all.iter().map(|m| m.config.clone()).collect();
        let source = self.end(&source_path, &mappings).await?;
        let target = self.end(&target_path, &mappings).await?;
        if let End::Managed(kind) = &target {
            refuse_protected(&config, kind)?;
        }
        let prepared = Prepared {
            config,
            reverse,
            partners,
            described: self.described([&source_path, &target_path]).await?,
            stored_version: row.version,
            version: if overrides.is_empty() { row.version } else { UNSETTLED },
            orientation,
            source,
            target,
            source_path,
            target_path,
            followers,
            strayed: None,
        };
        // A script that does not compile is told now, not after a long read.
        prepared.compile()?;
        Ok(prepared)
    }

    /// Resources, each with where its system is: a plan for one holds for no other, whatever the mapping is called. A stand-in on
    /// this machine is the same one wherever it listens today.
    async fn described(&self, paths: [&ResourcePath; 2]) -> Result<Vec<String>, EngineError> {
        let mut described = Vec::with_capacity(paths.len());
        for path in paths {
            let row = match path {
                ResourcePath::System { connector, .. } => {
                    let name = connector.clone();
                    self.store.read(move |r| r.connector(&name)).await?
                }
                _ => None,
            };
            let address = row
                .as_ref()
                .and_then(|row| row.config.address())
                .filter(|address| !connector::is_on_this_machine(address));
            described.push(match address {
                Some(address) => format!("{path}{AT}{address}"),
                None => path.to_string(),
            });
        }
        Ok(described)
    }

    fn orientation<'m>(
        &self,
        config: &MappingConfig,
        mut all: impl Iterator<Item = &'m MappingConfig>,
    ) -> Result<Orientation, EngineError> {
        let kind = config.link_type();
        if kind == config.name {
            return Ok(Orientation::Forward);
        }
        let owner = all.find(|m| m.name == kind).ok_or_else(|| {
            EngineError::config(format!(
                "mapping `{}`: `links` names `{kind}`, which does not exist; add that mapping first",
                config.name
            ))
        })?;
        if owner.source == config.source && owner.target == config.target {
            Ok(Orientation::Forward)
        } else if owner.source == config.target && owner.target == config.source {
            Ok(Orientation::Backward)
        } else {
            Err(EngineError::config(format!(
                "mapping `{}` cannot share the links of `{kind}`: their sources and targets are neither the same nor swapped",
                config.name
            )))
        }
    }

    async fn end(&self, path: &ResourcePath, mappings: &[MappingConfig]) -> Result<End, EngineError> {
        match path {
            ResourcePath::Managed(kind) => {
                let kind = kind.clone();
                let config = self.store.read(move |r| Ok(Engine::managed_type(r, &kind))).await??;
                Ok(End::Managed(config))
            }
            ResourcePath::System { connector: name, object_type } => {
                let connector = self.connectors.connector(name).await?;
                let descriptor = connector.descriptor();
                let object_type =
                    descriptor.object_types.iter().find(|t| t.name == *object_type).cloned().ok_or_else(
                        || {
                            let known: Vec<&str> =
                                descriptor.object_types.iter().map(|t| t.name.as_str()).collect();
                            EngineError::config(format!(
                                "connector `{name}` has no object type `{object_type}`; it has: {}",
                                known.join(", ")
                            ))
                        },
                    )?;
                let (attributes, indexed) =
                    self.wanted(path, &object_type, mappings, connector.as_ref()).await?;
                Ok(End::Remote(Remote {
                    connector,
                    name: name.clone(),
                    object_type,
                    path: path.to_string(),
                    attributes,
                    indexed,
                    fold_ids: folds_ids(&path.to_string(), mappings),
                    follows: true,
                    became: Mutex::default(),
                }))
            }
            ResourcePath::Scim(_) => Err(EngineError::config(format!(
                "{path} holds nothing that could be read: people and groups arrive through SCIM one by one, and each is mapped as it \
                 arrives; have the other system send them"
            ))
            .with_hint("`concord serve` takes them")),
        }
    }

    /// The attributes that any mapping reads from or writes to a remote type, and those that correlation asks for.
    async fn wanted(
        &self,
        path: &ResourcePath,
        object_type: &ObjectTypeDescriptor,
        mappings: &[MappingConfig],
        connector: &dyn Connector,
    ) -> Result<(Vec<String>, BTreeSet<String>), EngineError> {
        let path = path.to_string();
        let mut names: BTreeSet<String> = object_type.natural_key.iter().cloned().collect();
        // Only what a mapping writes to is ever looked for by its values.
        let mut indexed =
            if mappings.iter().any(|m| m.target == path) { names.clone() } else { BTreeSet::new() };
        let mut everything = false;
        for config in mappings {
            if config.source == path {
                match config.source_attributes() {
                    Some(some) => names.extend(some),
                    // What it names is asked for although the schema does not tell of it any more, so that it is missed.
                    None => {
                        everything = true;
                        names.extend(config.named_source_attributes());
                    }
                }
            }
            if config.target == path {
                everything |= config.target_attributes().is_none();
                names.extend(config.named_target_attributes());
                let mut scripts = Scripts::new();
                // A mapping that does not compile is told when it is run itself.
                if let Ok(mapping) = Mapping::compile(config.clone(), None, &mut scripts) {
                    indexed.extend(mapping.correlation_attributes());
                }
            }
        }
        names.extend(indexed.iter().cloned());
        if mappings.iter().any(|m| (m.source == path || m.target == path) && asks_who_is_newer(m)) {
            names.extend(object_type.modified_attribute.clone());
        }
        if everything {
            let schema = connector.schema(&object_type.name).await?;
            // What costs further calls, and maybe a scope of its own, is read only where a mapping names it.
            let plain = schema.attributes.into_iter().map(|a| a.name).filter(|name| !name.starts_with("__"));
            names.extend(plain);
        }
        names.retain(|name| !model::is_about_the_record(name));
        Ok((names.into_iter().collect(), indexed))
    }
}

/// A plan shows what it writes, so what nobody may read has no place in one.
fn refuse_protected(config: &MappingConfig, kind: &ManagedObjectConfig) -> Result<(), EngineError> {
    let protected = config.named_target_attributes().into_iter().find(|name| kind.protection(name).is_some());
    match protected {
        None => Ok(()),
        Some(name) => Err(EngineError::config(format!(
            "mapping `{}`, property `{name}`: this attribute of {} is kept where nobody can read it, and a plan shows what it writes; remove the property",
            config.name, kind.name
        ))),
    }
}

fn asks_who_is_newer(config: &MappingConfig) -> bool {
    config.conflict_rule == Some(ConflictRule::Newest)
        || config.properties.iter().any(|p| p.conflict_rule == Some(ConflictRule::Newest))
}

/// Whether any mapping says that ids of this resource do not differ by case. It is the resource that is like that, and its
/// mirror is shared, so one word is enough.
fn folds_ids(path: &str, mappings: &[MappingConfig]) -> bool {
    mappings.iter().any(|m| {
        (m.source == path && m.source_ids_case_sensitive == Some(false))
            || (m.target == path && m.target_ids_case_sensitive == Some(false))
    })
}
