//! Configuration as IDM's `config` endpoint shows it: whole documents under IDM's names, never with a secret.

use std::collections::BTreeSet;

use engine::{Engine, EngineError, Gravity};
use model::{
    ManagedConfig, ManagedObjectConfig, MappingConfig, SyncConfig, connector_config::SECRET_PROPERTIES,
    policy,
};
use serde_json::{Map, Value, json};
use store::{AuditRow, ErrorKind, MappingRow, Reader, StoreError};

use crate::{
    ApiError, App, ErrorCode,
    dto::{AuditTopic, ByName, ConnectorDraft, ConnectorTest, Empty},
};

impl App {
    /// `config/sync`: every mapping in sync order, and what stands beside them.
    pub async fn sync_document(&self) -> Result<Value, ApiError> {
        let (mappings, rest) = self.store.read(|r| Ok((r.mappings()?, sync_rest(r)?))).await?;
        sync_of(&mappings, rest)
    }

    /// Puts `config/sync`: these mappings are all there are, in this order of sync. Those that are not in it are removed. What
    /// stands beside them is kept as it is given. All of it, or nothing. With the document that it is a change of, it is
    /// [`ErrorCode::Stale`] when that is not in force any more.
    pub async fn put_sync_document(&self, document: Value, before: Option<Value>) -> Result<Value, ApiError> {
        let wanted: SyncConfig = serde_json::from_value(document)
            .map_err(|e| ApiError::new(ErrorCode::Invalid, format!("this is not a sync.json: {e}")))?;
        wanted.mappings.iter().try_for_each(MappingConfig::check)?;
        self.mappings_replace(wanted, before).await?;
        self.sync_document().await
    }

    /// `config/provisioner.openicf/<name>`: a connector's document without its secrets.
    pub async fn connector_document(&self, name: &str) -> Result<Value, ApiError> {
        let row = self.connector_row(name).await?;
        let document = serde_json::to_value(&row.config)
            .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        Ok(without_secrets(&row.config.name, document))
    }

    /// The same with its revision, for who changes it.
    pub async fn connector_document_to_change(&self, name: &str) -> Result<(Value, String), ApiError> {
        let detail = self.connector_get(ByName { name: name.to_owned() }).await?;
        Ok((without_secrets(&detail.summary.name, detail.config), detail.rev))
    }

    /// Creates or changes a connector by its document. Secrets in it go into the vault; those that are left out stay.
    /// Gives whether it is new. A revision that is not in force is [`ErrorCode::Stale`].
    pub async fn put_connector_document(
        &self,
        name: &str,
        mut document: Map<String, Value>,
        rev: Option<String>,
    ) -> Result<bool, ApiError> {
        document.shift_remove("_id");
        match document.get("name") {
            None | Some(Value::Null) => {
                document.insert("name".into(), name.into());
            }
            Some(Value::String(inside)) if inside == name => {}
            Some(inside) => {
                return Err(ApiError::new(
                    ErrorCode::Invalid,
                    format!(
                        "the document is about connector {inside}, and the path about `{name}`; both must be the same"
                    ),
                ));
            }
        }
        let lookup = name.to_owned();
        let create = self.store.read(move |r| r.connector(&lookup)).await?.is_none();
        let draft =
            ConnectorDraft { create, rev, config: Value::Object(document), secrets: Default::default() };
        self.connector_save(draft).await?;
        Ok(create)
    }

    /// `config/managed`: every managed type.
    pub async fn managed_document(&self) -> Result<Value, ApiError> {
        Ok(managed_of(&self.store.read(|r| Ok(engine::Engine::managed_types(r))).await??))
    }

    /// `schema/managed/<type>`: the schema of one managed type.
    pub async fn schema_document(&self, kind: &str) -> Result<Value, ApiError> {
        let config = self.managed_config(kind).await?;
        serde_json::to_value(config.schema).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))
    }

    /// `policy/managed/<type>`: what is asked of the attributes of one managed type.
    pub async fn policy_document(&self, kind: &str) -> Result<Value, ApiError> {
        let config = self.managed_config(kind).await?;
        Ok(json!({"resource": format!("managed/{kind}"), "properties": policy::requirements(&config)}))
    }

    /// Puts `config/managed`: these types are all there are. A change that touches what is stored has to be `confirmed`. All of
    /// it, or nothing. With the document that it is a change of, it is [`ErrorCode::Stale`] when that is not in force any more.
    pub async fn put_managed_document(
        &self,
        document: Value,
        before: Option<Value>,
        confirmed: bool,
    ) -> Result<Value, ApiError> {
        let wanted: ManagedConfig = serde_json::from_value(document)
            .map_err(|e| ApiError::new(ErrorCode::Invalid, format!("this is not a managed.json: {e}")))?;
        let mut names = BTreeSet::new();
        if let Some(twice) = wanted.objects.iter().find(|config| !names.insert(config.name.to_lowercase())) {
            return Err(twice_in_one("managed type", &twice.name));
        }
        let asked = wanted.objects.clone();
        let (there, judged) = self.store.read(move |r| Ok(judge(r, asked))).await??;
        if before.is_some_and(|before| before != managed_of(&there)) {
            return Err(types_have_changed().into());
        }
        for (config, problems) in &judged {
            let stops = |problem: &engine::TypeProblem| match problem.gravity {
                Gravity::Refused => true,
                Gravity::Confirm => !confirmed,
                Gravity::Note => false,
            };
            if problems.iter().any(stops) {
                return Err(not_saved(&config.name, problems));
            }
        }
        let changed: Vec<ManagedObjectConfig> = judged.into_iter().map(|(config, _)| config).collect();
        let gone: Vec<String> = there
            .iter()
            .filter(|t| t.name != "user" && !wanted.objects.iter().any(|w| w.name == t.name))
            .map(|t| t.name.clone())
            .collect();
        let (at, who) = (self.at(), self.who());
        let to_fill = self
            .store
            .write(move |w| {
                match Engine::managed_types(w) {
                    Ok(types) if types == there => {}
                    Ok(_) => return Err(types_have_changed()),
                    Err(error) => return Ok(Err(error)),
                }
                for name in &gone {
                    if let Err(error) = Engine::removable(w, name)? {
                        return Ok(Err(error));
                    }
                }
                let to_fill = Engine::put_managed_types(w, &changed, Map::new())?;
                for name in &gone {
                    Engine::drop_managed_type(w, name)?;
                }
                let done =
                    changed.iter().map(|c| (&c.name, "saved")).chain(gone.iter().map(|n| (n, "removed")));
                for (name, detail) in done {
                    w.add_audit(&AuditRow {
                        at: at.clone(),
                        who: who.clone(),
                        topic: AuditTopic::Managed.as_str().into(),
                        object: name.clone(),
                        detail: detail.into(),
                    })?;
                }
                Ok(Ok(to_fill))
            })
            .await??;
        if to_fill {
            self.fill_columns_in_background();
        }
        self.managed_document().await
    }

    /// `config`: the names of all documents.
    pub async fn config_names(&self) -> Result<Vec<String>, ApiError> {
        let (connectors, mappings, schedules) =
            self.store.read(|r| Ok((r.connectors()?, r.mappings()?, r.schedules()?))).await?;
        Ok(["managed".to_owned(), "sync".to_owned()]
            .into_iter()
            .chain(connectors.iter().map(|c| format!("provisioner.openicf/{}", c.config.name)))
            .chain(mappings.iter().map(|m| format!("mapping/{}", m.config.name)))
            .chain(schedules.iter().map(|s| format!("schedule/{}", s.name)))
            .collect())
    }

    /// The test of a connector as IDM's `system?_action=test` shows it.
    pub async fn connector_test_document(&self, name: &str) -> Result<Value, ApiError> {
        let ConnectorTest { name, ok, error, .. } =
            self.connector_test(ByName { name: name.to_owned() }).await?;
        let detail = self.connector_get(ByName { name: name.clone() }).await?;
        let mut document = json!({
            "name": name,
            "enabled": detail.summary.enabled,
            "config": format!("config/provisioner.openicf/{name}"),
            "connectorRef": detail.config.get("connectorRef"),
            "displayName": detail.summary.title,
            "objectTypes": detail.summary.object_types,
            "ok": ok,
        });
        if let (Some(error), Some(document)) = (error, document.as_object_mut()) {
            document.insert("error".into(), error.into());
        }
        Ok(document)
    }

    /// The names of all connectors.
    pub async fn connector_names(&self) -> Result<Vec<String>, ApiError> {
        Ok(self.connectors_list(Empty {}).await?.into_iter().map(|c| c.name).collect())
    }
}

/// Where it is kept what stands beside the mappings in `sync.json`.
pub(crate) const SYNC_REST: &str = "idm_sync_rest";

/// What stands beside the mappings in `sync.json`.
pub(crate) fn sync_rest(r: &Reader<'_>) -> Result<Map<String, Value>, StoreError> {
    let text = r.setting(SYNC_REST)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// `config/sync` of these mappings, with what stands beside them.
pub(crate) fn sync_of(mappings: &[MappingRow], rest: Map<String, Value>) -> Result<Value, ApiError> {
    let mappings: Vec<Value> = mappings
        .iter()
        .map(|m| serde_json::to_value(&m.config))
        .collect::<Result<_, _>>()
        .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
    let mut document = Map::from_iter([
        ("_id".to_owned(), Value::from("sync")),
        ("mappings".to_owned(), Value::Array(mappings)),
    ]);
    document.extend(rest);
    Ok(Value::Object(document))
}

/// `config/managed` of these types.
fn managed_of(types: &[ManagedObjectConfig]) -> Value {
    json!({"_id": "managed", "objects": types})
}

fn types_have_changed() -> StoreError {
    StoreError::new(
        ErrorKind::Stale,
        "the managed types have changed meanwhile; load them again and repeat the change",
    )
}

fn without_secrets(name: &str, mut document: Value) -> Value {
    if let Some(document) = document.as_object_mut() {
        document.insert("_id".into(), format!("provisioner.openicf/{name}").into());
        if let Some(Value::Object(settings)) = document.get_mut("configurationProperties") {
            // They are taken out before a document is stored; what a newer version calls a secret is not shown either.
            settings.retain(|name, _| !SECRET_PROPERTIES.contains(&name.as_str()));
        }
    }
    document
}

/// A type as it would be stored, with what stands in its way.
type Judged = (ManagedObjectConfig, Vec<engine::TypeProblem>);

/// The types that are there, and what those of the others that differ from them would come to.
fn judge(
    r: &Reader<'_>,
    mut asked: Vec<ManagedObjectConfig>,
) -> Result<(Vec<ManagedObjectConfig>, Vec<Judged>), EngineError> {
    let there = Engine::managed_types(r)?;
    asked.retain(|config| !there.contains(config));
    let judged = Engine::judge_managed_types(r, asked)?;
    Ok((there, judged))
}

/// Why a document that names something twice is refused.
pub(crate) fn twice_in_one(what: &str, name: &str) -> ApiError {
    ApiError::new(ErrorCode::Invalid, format!("{what} `{name}` stands twice in the document"))
}

fn not_saved(name: &str, problems: &[engine::TypeProblem]) -> ApiError {
    let of = |gravity: Gravity| {
        let words: Vec<&str> =
            problems.iter().filter(|p| p.gravity == gravity).map(|p| p.message.as_str()).collect();
        words.join("; ")
    };
    let refused = of(Gravity::Refused);
    if refused.is_empty() {
        let message =
            format!("managed type `{name}`: {}; add confirm=true if this is meant", of(Gravity::Confirm));
        ApiError::new(ErrorCode::Conflict, message)
    } else {
        ApiError::new(ErrorCode::Invalid, format!("managed type `{name}`: {refused}"))
    }
}
