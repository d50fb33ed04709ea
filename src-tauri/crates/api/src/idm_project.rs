//! An IDM project's folder as configuration: taken over whole or not at all, and written back without a secret.
//!
//! What cannot run here is kept and told; what is wrong stops the import before anything is changed.

mod connectors;
mod files;
mod left_alone;
mod mappings;
mod schedules;
mod scripts;

use std::{collections::BTreeSet, path::PathBuf};

use connector::ErrorKind;
use engine::{Engine, Gravity};
use jiff::Timestamp;
use model::{ConnectorConfig, ManagedConfig, ManagedObjectConfig, MappingConfig, ResourcePath};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{AuditRow, Reader, SealedSecret, StoreError, Writer};

pub use self::left_alone::LeftAlone;

use self::files::{Document, Documents, Project, wrong};
use crate::{
    ApiError, App, ErrorCode,
    config_documents::{SYNC_REST, sync_rest},
    dto::AuditTopic,
    mappings::check_links,
    pool::{TOKENS, owner},
    schedules::{problem_of, put_schedule},
};

/// What to import.
#[derive(Debug, Clone)]
pub struct IdmImport {
    /// The project's folder, or its `conf`.
    pub folder: PathBuf,
    /// Whether the project's objects take the place of those of the same name that differ.
    pub replace: bool,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdmImported {
    /// The folder of the documents.
    pub folder: PathBuf,
    /// The connectors of the project.
    pub connectors: Vec<Taken>,
    /// The managed object types of the project.
    pub managed: Vec<Taken>,
    /// The mappings of the project in sync order.
    pub mappings: Vec<Taken>,
    /// The schedules of the project.
    pub schedules: Vec<Taken>,
    /// What was kept and does not run here, or does something else, and why.
    pub notes: Vec<Note>,
    /// What the connectors need that only the IDM server had and nobody has entered here.
    pub to_enter: Vec<ToEnter>,
    /// Files of the project that mean nothing here, each with the reason.
    pub left_alone: Vec<LeftAlone>,
}

/// An object that was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its name.
    pub name: String,
    /// The file that it came from.
    pub file: String,
    /// What that did.
    pub result: TakenHow,
    /// Whether it can be used as it is: a mapping that can run, a connector that is enabled.
    pub runs: bool,
}

/// What taking an object over did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TakenHow {
    /// It is new.
    Added,
    /// It took the place of another one.
    Changed,
    /// It was there just so.
    Unchanged,
}

/// A remark on an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Which object: ``mapping `contactsToUsers` ``.
    pub about: String,
    /// Where in it; empty for all of it.
    pub place: String,
    /// What is to be known.
    pub what: String,
}

/// A setting of a connector that somebody has to enter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToEnter {
    /// The connector.
    pub connector: String,
    /// The setting.
    pub property: String,
    /// Why it did not come along.
    pub why: String,
}

/// Where to export to.
#[derive(Debug, Clone)]
pub struct IdmExport {
    /// The project's folder, or its `conf`. It is made if it is not there.
    pub folder: PathBuf,
    /// Whether documents that are there are written over.
    pub force: bool,
}

/// What an export did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdmExported {
    /// The folder of the documents.
    pub folder: PathBuf,
    /// The files that were written.
    pub files: Vec<String>,
    /// The secrets that stayed here.
    pub left_out: Vec<LeftOut>,
    /// Documents that were there before and are not of this export; an import would read them too.
    pub stale: Vec<String>,
}

/// A secret that did not leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The connector.
    pub connector: String,
    /// The setting.
    pub property: String,
}

/// A project that has been read and found right.
struct Incoming {
    connectors: Vec<connectors::Incoming>,
    /// The types as they are stored.
    managed: Vec<ManagedObjectConfig>,
    managed_rest: Map<String, Value>,
    mappings: Vec<mappings::Incoming>,
    schedules: Vec<schedules::Incoming>,
    sync_rest: Option<Map<String, Value>>,
}

impl App {
    /// Takes over an IDM project: connectors, managed types, mappings and schedules, all of it or nothing.
    pub async fn import_idm(&self, request: IdmImport) -> Result<IdmImported, ApiError> {
        let folder = request.folder.clone();
        let (conf, mut documents, mut incoming) = off_thread(move || {
            let project = Project::open(&folder)?;
            let mut documents = project.documents()?;
            let connectors = read_connectors(&mut documents, &project)?;
            let (mappings, sync_rest) = mappings::read(&mut documents, &project)?;
            let (managed, managed_rest, notes) = read_managed(documents.managed.take(), &project)?;
            let schedules = schedules::read(&mut documents)?;
            let incoming = Incoming { connectors, managed, managed_rest, mappings, schedules, sync_rest };
            Ok((project.conf, documents, (incoming, notes)))
        })
        .await?;
        let (project, mut notes) = (&mut incoming.0, std::mem::take(&mut incoming.1));
        for connector in &mut project.connectors {
            self.keep_what_was_entered(connector, request.replace).await?;
            self.judge_connector(connector)?;
        }
        self.judge_mappings(project).await?;
        notes.extend(self.judge_schedules(project).await?);
        notes.extend(self.judge_managed(project, request.replace).await?);
        for n in project.connectors.iter_mut().map(|c| &mut c.notes) {
            notes.append(n);
        }
        for n in project.mappings.iter_mut().map(|m| &mut m.notes) {
            notes.append(n);
        }
        let mut sealed: Vec<SealedSecret> = Vec::new();
        for connector in &project.connectors {
            for (property, secret) in &connector.secrets {
                sealed.push(self.vaulting.seal(&owner(&connector.config.name), property, secret).await?);
            }
        }
        let mut report = IdmImported {
            folder: conf,
            notes,
            to_enter: project.connectors.iter_mut().flat_map(|c| std::mem::take(&mut c.to_enter)).collect(),
            left_alone: std::mem::take(&mut documents.others),
            ..IdmImported::default()
        };
        let (now, at, who, replace) = (self.clock.now(), self.at(), self.who(), request.replace);
        let (project, _) = incoming;
        let (taken, to_fill) =
            self.store.write(move |w| project.put(w, &sealed, replace, now, &at, &who)).await??;
        [report.connectors, report.managed, report.mappings, report.schedules] = taken;
        if to_fill {
            self.fill_columns_in_background();
        }
        self.wake_worker();
        self.schedules_changed.notify_one();
        Ok(report)
    }

    /// Writes every connector, managed type, mapping and schedule as the documents of an IDM project. No secret leaves.
    pub async fn export_idm(&self, request: IdmExport) -> Result<IdmExported, ApiError> {
        let (connectors, secrets, mappings, managed, rest, schedules) = self
            .store
            .read(|r| {
                let connectors: Vec<ConnectorConfig> =
                    r.connectors()?.into_iter().map(|c| c.config).collect();
                let mut secrets = Vec::new();
                for connector in &connectors {
                    secrets.extend(
                        r.secrets(&owner(&connector.name))?
                            .into_iter()
                            .map(|s| LeftOut { connector: connector.name.clone(), property: s.field }),
                    );
                }
                Ok((
                    connectors,
                    secrets,
                    r.mappings()?,
                    Engine::managed_config(r),
                    sync_rest(r)?,
                    r.schedules()?,
                ))
            })
            .await?;
        let mut sync = Map::new();
        let list = mappings.iter().map(|m| document(&m.config)).collect::<Result<_, _>>()?;
        sync.insert("mappings".into(), Value::Array(list));
        sync.extend(rest);
        let mut files = Vec::new();
        for connector in &connectors {
            let name = files::connector_file(&connector.name);
            files.push((name, pretty(&document(&connectors::outgoing(connector))?)?));
        }
        files.push(("managed.json".to_owned(), pretty(&document(&managed?)?)?));
        for schedule in &schedules {
            files.push((files::schedule_file(&schedule.name), pretty(&document(&schedule.config)?)?));
        }
        files.push(("sync.json".to_owned(), pretty(&Value::Object(sync))?));
        let written = off_thread(move || {
            let project = Project::make(&request.folder)?;
            let there = project.configured()?;
            if !request.force && !there.is_empty() {
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    format!(
                        "{} holds {} already; choose an empty folder, or write over them with --force",
                        project.conf.display(),
                        there.join(", ")
                    ),
                ));
            }
            project.write(&files)?;
            let files: Vec<String> = files.into_iter().map(|(name, _)| name).collect();
            let stale = there.into_iter().filter(|name| !files.contains(name)).collect();
            Ok(IdmExported { folder: project.conf, files, left_out: secrets, stale })
        })
        .await?;
        self.audit(
            AuditTopic::Configuration,
            &written.folder.display().to_string(),
            "exported as an IDM project",
        )
        .await?;
        Ok(written)
    }

    /// What was entered here in place of what only the IDM server had stays. A stored secret that is another one than the
    /// document's stays too, unless the document's is to take its place. Leaves those to be asked for that nobody entered, and
    /// the secrets that are to be stored.
    async fn keep_what_was_entered(
        &self,
        incoming: &mut connectors::Incoming,
        replace: bool,
    ) -> Result<(), ApiError> {
        let connectors::Incoming { config, secrets, to_enter, notes, .. } = incoming;
        let (name, owner) = (config.name.clone(), owner(&config.name));
        let of = owner.clone();
        let (there, stored) = self.store.read(move |r| Ok((r.connector(&name)?, r.secrets(&of)?))).await?;
        let Some(there) = there else { return Ok(()) };
        to_enter.retain(|one| match there.config.configuration_properties.get(&one.property) {
            Some(entered) => {
                config.configuration_properties.insert(one.property.clone(), entered.clone());
                false
            }
            None => !stored.iter().any(|secret| secret.field == one.property),
        });
        let about = format!("connector `{}`", config.name);
        let mut tell = |place: &str, what: &str| {
            notes.push(Note { about: about.clone(), place: place.into(), what: what.into() });
        };
        for (property, secret) in std::mem::take(secrets) {
            match self.vaulting.reveal(&owner, &property).await? {
                None => secrets.push((property, secret)),
                Some(stored) if stored == secret => {}
                Some(_) if replace => {
                    tell(&property, "the project's took the place of another one that was stored here");
                    secrets.push((property, secret));
                }
                Some(_) => tell(
                    &property,
                    "another one is stored here and stays; import with --replace to put the project's in its place",
                ),
            }
        }
        Ok(())
    }

    /// A connector that cannot be built for want of what was left out, or because nothing here connects to its system, is
    /// kept disabled. Any other fault stops the import.
    fn judge_connector(&self, incoming: &mut connectors::Incoming) -> Result<(), ApiError> {
        let config = &mut incoming.config;
        if config.provider().is_err() {
            return Ok(());
        }
        let built = connector::build(config, self.pool.credentials(&config.name), self.clock.clone());
        let Err(error) = built else { return Ok(()) };
        let excused = !incoming.to_enter.is_empty() || error.kind == ErrorKind::Unsupported;
        if !excused {
            return Err(wrong(&incoming.file, error));
        }
        config.enabled = false;
        incoming.notes.push(Note {
            about: format!("connector `{}`", config.name),
            place: String::new(),
            what: format!("it is kept disabled: {error}"),
        });
        Ok(())
    }

    /// The mappings whose links are shared have to be there, and the connectors should be.
    async fn judge_mappings(&self, project: &mut Incoming) -> Result<(), ApiError> {
        let (stored, rows) = self.store.read(|r| Ok((r.mappings()?, r.connectors()?))).await?;
        let configs: Vec<MappingConfig> = project.mappings.iter().map(|m| m.config.clone()).collect();
        let known = |name: &str| {
            let stored = stored.iter().map(|m| &m.config);
            configs.iter().chain(stored).find(|c| c.name == name)
        };
        let connectors: BTreeSet<String> = rows
            .iter()
            .map(|row| &row.config)
            .chain(project.connectors.iter().map(|c| &c.config))
            .map(|c| c.name.to_lowercase())
            .collect();
        let types: Vec<ManagedObjectConfig> = self.store.read(|r| Ok(Engine::managed_types(r))).await??;
        for mapping in &mut project.mappings {
            let config = &mapping.config;
            // The project's types come before those that are here.
            let kind = |path: &ResourcePath| match path {
                ResourcePath::Managed(name) => {
                    project.managed.iter().chain(&types).find(|t| t.name.eq_ignore_ascii_case(name))
                }
                ResourcePath::System { .. } | ResourcePath::Scim(_) => None,
            };
            let protected = (kind(&config.source_path()?), kind(&config.target_path()?));
            mapping.tell_protected(protected.0, protected.1);
            let mut lacking = Vec::new();
            let config = &mapping.config;
            check_links(config, &known).map_err(|e| wrong(&mapping.file, e))?;
            for (end, path) in [("source", config.source_path()?), ("target", config.target_path()?)] {
                let Some(name) = path.connector().filter(|n| !connectors.contains(&n.to_lowercase())) else {
                    if let Some(what) = self.missing_type(&path, &project.connectors) {
                        let about = format!("mapping `{}`", config.name);
                        lacking.push(Note { about, place: end.to_owned(), what });
                    }
                    continue;
                };
                mapping.notes.push(Note {
                    about: format!("mapping `{}`", config.name),
                    place: end.to_owned(),
                    what: format!("there is no connector `{name}`, neither in the project nor here"),
                });
            }
            if !lacking.is_empty() {
                mapping.runs = false;
                mapping.config.enable_sync = Some(false);
                mapping.notes.append(&mut lacking);
            }
        }
        Ok(())
    }

    /// That a connector of the project has no such object type; IDM lets one be renamed in the connector's document.
    fn missing_type(&self, path: &ResourcePath, connectors: &[connectors::Incoming]) -> Option<String> {
        let ResourcePath::System { connector: name, object_type } = path else { return None };
        let config = &connectors.iter().find(|c| c.config.name.eq_ignore_ascii_case(name))?.config;
        let built = connector::build(config, self.pool.credentials(&config.name), self.clock.clone()).ok()?;
        let known: Vec<&str> = built.descriptor().object_types.iter().map(|t| t.name.as_str()).collect();
        (!known.contains(&object_type.as_str())).then(|| {
            format!(
                "connector `{name}` has no object type `{object_type}`; it has: {}. Names that its document gives to types are not \
                 heeded here: write one of these; until then the mapping does not run, and its implicit sync is switched off",
                known.join(", ")
            )
        })
    }

    /// Leaves the types as they are to be stored. Gives what is worth knowing about them.
    async fn judge_managed(&self, project: &mut Incoming, replace: bool) -> Result<Vec<Note>, ApiError> {
        let configs = std::mem::take(&mut project.managed);
        let judged = self.store.read(move |r| Ok(Engine::judge_managed_types(r, configs))).await??;
        let mut notes = Vec::new();
        for (config, problems) in judged {
            let about = format!("managed type `{}`", config.name);
            for problem in problems {
                let stops = match problem.gravity {
                    Gravity::Refused => true,
                    Gravity::Confirm => !replace,
                    Gravity::Note => false,
                };
                if stops {
                    let way_out = match problem.gravity {
                        Gravity::Confirm => "; import with --replace if this is meant",
                        _ => "",
                    };
                    return Err(wrong("managed.json", format!("{about}: {}{way_out}", problem.message)));
                }
                let place = problem.property.unwrap_or_default();
                notes.push(Note { about: about.clone(), place, what: problem.message });
            }
            project.managed.push(config);
        }
        Ok(notes)
    }
}

impl App {
    /// A schedule that does nothing here is kept and said.
    async fn judge_schedules(&self, project: &mut Incoming) -> Result<Vec<Note>, ApiError> {
        let stored = self.store.read(|r| r.mappings()).await?;
        let mappings: Vec<MappingConfig> = project
            .mappings
            .iter()
            .map(|m| m.config.clone())
            .chain(stored.into_iter().map(|m| m.config))
            .collect();
        let mut notes = Vec::new();
        for schedule in &mut project.schedules {
            let problem = schedule.problem.take().or_else(|| problem_of(&schedule.config.task(), &mappings));
            schedule.runs = schedule.config.enabled && problem.is_none();
            let switched_off =
                || (!schedule.config.enabled).then(|| "it is not enabled in the project".to_owned());
            notes.extend(problem.or_else(switched_off).map(|what| Note {
                about: format!("schedule `{}`", schedule.name),
                place: String::new(),
                what: format!("it does not fire here: {what}"),
            }));
        }
        Ok(notes)
    }
}

impl Incoming {
    /// Puts everything in one transaction. An inner error means that nothing was written.
    fn put(
        self,
        w: &Writer<'_>,
        sealed: &[SealedSecret],
        replace: bool,
        now: Timestamp,
        at: &str,
        who: &str,
    ) -> Result<Result<([Vec<Taken>; 4], bool), ApiError>, StoreError> {
        let types = match Engine::managed_types(w) {
            Ok(types) => types,
            Err(error) => return Ok(Err(error.into())),
        };
        let (taken, differing) = self.compare(w, &types)?;
        if !differing.is_empty() && !replace {
            return Ok(Err(ApiError::new(ErrorCode::Conflict, in_the_way(&differing))));
        }
        for connector in &self.connectors {
            w.put_connector(&connector.config, at)?;
        }
        for secret in sealed {
            // New credentials make the tokens of the old ones void.
            if matches!(secret.field.as_str(), "refreshToken" | "clientSecret") {
                w.remove_secret(&secret.owner, TOKENS)?;
            }
            w.put_secret(secret)?;
        }
        let changed: Vec<ManagedObjectConfig> =
            self.managed.into_iter().filter(|config| !types.contains(config)).collect();
        let to_fill = Engine::put_managed_types(w, &changed, self.managed_rest)?;
        for mapping in &self.mappings {
            w.put_mapping(&mapping.config, at)?;
        }
        put_in_order(w, &self.mappings)?;
        for (schedule, taken) in self.schedules.iter().zip(&taken[3]) {
            // One that is there just so goes on as it was.
            if taken.result != TakenHow::Unchanged {
                put_schedule(w, &schedule.name, &schedule.config, now, at)?;
            }
        }
        if let Some(rest) = self.sync_rest {
            w.set_setting(SYNC_REST, &Value::Object(rest).to_string())?;
        }
        let topics = [AuditTopic::Connector, AuditTopic::Managed, AuditTopic::Mapping, AuditTopic::Schedule];
        for (topic, taken) in topics.into_iter().zip(&taken) {
            for one in taken.iter().filter(|t| t.result != TakenHow::Unchanged) {
                w.add_audit(&AuditRow {
                    at: at.to_owned(),
                    who: who.to_owned(),
                    topic: topic.as_str().into(),
                    object: one.name.clone(),
                    detail: match one.result {
                        TakenHow::Added => "added from an IDM project".to_owned(),
                        _ => "replaced by that of an IDM project".to_owned(),
                    },
                })?;
            }
        }
        Ok(Ok((taken, to_fill)))
    }

    /// What each object does to what is there: connectors, types, mappings, schedules; and those that are in the way. A secret
    /// that is to be stored is in nobody's way.
    fn compare(
        &self,
        r: &Reader<'_>,
        types: &[ManagedObjectConfig],
    ) -> Result<([Vec<Taken>; 4], Vec<String>), StoreError> {
        let mut differing = Vec::new();
        let mut how = |what: &str, name: &str, there: bool, same: bool| match (there, same) {
            (false, _) => TakenHow::Added,
            (true, false) => {
                differing.push(format!("{what} `{name}`"));
                TakenHow::Changed
            }
            (true, true) => TakenHow::Unchanged,
        };
        let mut taken: [Vec<Taken>; 4] = Default::default();
        let [connectors, managed, mappings, schedules] = &mut taken;
        for incoming in &self.connectors {
            let there = r.connector(&incoming.config.name)?;
            let name = &incoming.config.name;
            let same = there.as_ref().is_some_and(|t| t.config == incoming.config);
            let result = match how("connector", name, there.is_some(), same) {
                TakenHow::Unchanged if !incoming.secrets.is_empty() => TakenHow::Changed,
                result => result,
            };
            connectors.push(Taken {
                name: name.clone(),
                file: incoming.file.clone(),
                result,
                runs: incoming.config.enabled,
            });
        }
        for config in &self.managed {
            let there = types.iter().find(|t| t.name == config.name);
            managed.push(Taken {
                name: config.name.clone(),
                file: "managed.json".into(),
                result: how("managed type", &config.name, there.is_some(), there == Some(config)),
                runs: true,
            });
        }
        for incoming in &self.mappings {
            let name = &incoming.config.name;
            let there = r.mapping(name)?;
            let same = there.as_ref().is_some_and(|t| t.config == incoming.config);
            mappings.push(Taken {
                name: name.clone(),
                file: incoming.file.clone(),
                result: how("mapping", name, there.is_some(), same),
                runs: incoming.runs,
            });
        }
        for incoming in &self.schedules {
            let there = r.schedule(&incoming.name)?;
            let same = there.as_ref().is_some_and(|t| t.config == incoming.config);
            schedules.push(Taken {
                name: incoming.name.clone(),
                file: incoming.file.clone(),
                result: how("schedule", &incoming.name, there.is_some(), same),
                runs: incoming.runs,
            });
        }
        differing.retain(|what| !is_still_default(what, types));
        Ok((taken, differing))
    }
}

/// What of a project is here already as something else, in words.
fn in_the_way(differing: &[String]) -> String {
    let (differ, place) = match differing {
        [_] => ("is here already and differs", "its"),
        _ => ("are here already and differ", "their"),
    };
    format!(
        "{} {differ} from the project's; nothing was imported. Import with --replace to put the project's in {place} place",
        differing.join(", ")
    )
}

/// The type `user` is there before anybody has made it; until somebody changes it, it is in nobody's way.
fn is_still_default(what: &str, types: &[ManagedObjectConfig]) -> bool {
    what == "managed type `user`" && types.contains(&ManagedObjectConfig::default_user())
}

/// Puts the project's mappings into their order among each other; all others keep their places.
fn put_in_order(w: &Writer<'_>, mappings: &[mappings::Incoming]) -> Result<(), StoreError> {
    let mut order: Vec<String> = w.mappings()?.into_iter().map(|m| m.config.name).collect();
    let mut wanted = mappings.iter().map(|m| &m.config.name);
    for place in order.iter_mut().filter(|name| mappings.iter().any(|m| m.config.name == **name)) {
        if let Some(name) = wanted.next() {
            place.clone_from(name);
        }
    }
    w.reorder_mappings(&order)
}

fn read_connectors(
    documents: &mut Documents,
    project: &Project,
) -> Result<Vec<connectors::Incoming>, ApiError> {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for (name, document) in std::mem::take(&mut documents.connectors) {
        let incoming = connectors::read(&name, document, project)?;
        if !names.insert(incoming.config.name.to_lowercase()) {
            let what = format!("connector `{}` stands twice in the project", incoming.config.name);
            return Err(wrong(&incoming.file, what));
        }
        found.push(incoming);
    }
    Ok(found)
}

/// The types of a `managed.json`, what stands beside them, and what of them does not run here.
fn read_managed(
    document: Option<Document>,
    project: &Project,
) -> Result<(Vec<ManagedObjectConfig>, Map<String, Value>, Vec<Note>), ApiError> {
    let Some(Document { file, mut value }) = document else { return Ok(Default::default()) };
    let mut notes = Vec::new();
    if let Some(map) = value.as_object_mut() {
        map.shift_remove("_id");
    }
    for object in value.get_mut("objects").and_then(Value::as_array_mut).into_iter().flatten() {
        let about = format!("managed type `{}`", object.get("name").and_then(Value::as_str).unwrap_or("?"));
        // Nothing here runs them, so that it does not matter whether they could be brought in.
        scripts::bring_in(object, project);
        notes.extend(scripts::places(object).into_iter().filter(|place| !place.ends_with(", default")).map(
            |place| Note { about: about.clone(), place, what: "its script is kept and not run here".into() },
        ));
        let references = references(object);
        if !references.is_empty() {
            let what = "a reference is kept as it is given: nothing here looks whether the object is there, shows it with the one that \
                        refers to it, or keeps its other end in step";
            notes.push(Note { about, place: references.join(", "), what: what.into() });
        }
    }
    let ManagedConfig { objects, rest } = serde_json::from_value(value).map_err(|e| wrong(&file, e))?;
    let mut names = BTreeSet::new();
    if let Some(twice) = objects.iter().find(|t| !names.insert(t.name.as_str())) {
        return Err(wrong(&file, format!("managed type `{}` stands twice", twice.name)));
    }
    Ok((objects, rest, notes))
}

/// The attributes of a managed type that refer to other objects.
fn references(object: &Value) -> Vec<String> {
    let is_reference = |schema: &Value| match schema.get("type") {
        Some(Value::String(kind)) => kind == "relationship",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "relationship"),
        _ => false,
    };
    let properties = object.pointer("/schema/properties").and_then(Value::as_object).into_iter().flatten();
    properties
        .filter(|(_, schema)| is_reference(schema) || schema.get("items").is_some_and(is_reference))
        .map(|(name, _)| name.clone())
        .collect()
}

fn document(config: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(config)
        .map_err(|e| ApiError::new(ErrorCode::Internal, format!("a document cannot be written: {e}")))
}

/// The text of a document: the same for the same configuration.
fn pretty(document: &Value) -> Result<String, ApiError> {
    serde_json::to_string_pretty(document)
        .map(|text| text + "\n")
        .map_err(|e| ApiError::new(ErrorCode::Internal, format!("a document cannot be written: {e}")))
}

/// Work on files, off the async threads.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| {
        ApiError::new(ErrorCode::Internal, format!("reading the folder ended unexpectedly: {e}"))
    })?
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_in_the_way_is_told_of_one_as_of_many() {
        for (differing, begins) in [
            (vec!["connector `crm`"], "connector `crm` is here already and differs from"),
            (
                vec!["connector `crm`", "mapping `in`"],
                "connector `crm`, mapping `in` are here already and differ from",
            ),
        ] {
            let differing: Vec<String> = differing.into_iter().map(str::to_owned).collect();
            let words = super::in_the_way(&differing);
            assert!(words.starts_with(begins), "{words}");
        }
    }
}
