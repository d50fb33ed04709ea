//! Configuration as IDM's `config` endpoint shows it: whole documents under IDM's names, never with a secret.

use model::{ManagedConfig, MappingConfig, SyncConfig, connector_config::SECRET_PROPERTIES};
use serde_json::{Map, Value, json};

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        ByName, ConnectorDraft, ConnectorTest, Empty, ManagedTypeDraft, MappingOrder, ProblemGravity,
        TypeProblem,
    },
};

impl App {
    /// `config/sync`: every mapping in sync order.
    pub async fn sync_document(&self) -> Result<Value, ApiError> {
        let mappings = self.store.read(|r| r.mappings()).await?;
        let mappings: Vec<Value> = mappings
            .iter()
            .map(|m| serde_json::to_value(&m.config))
            .collect::<Result<_, _>>()
            .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        Ok(json!({"_id": "sync", "mappings": mappings}))
    }

    /// Puts `config/sync`: these mappings are all there are. Those that are not in it are removed.
    pub async fn put_sync_document(&self, document: Value) -> Result<Value, ApiError> {
        let wanted: SyncConfig = serde_json::from_value(document)
            .map_err(|e| ApiError::new(ErrorCode::Invalid, format!("this is not a sync.json: {e}")))?;
        let configs: Vec<MappingConfig> = wanted.mappings;
        for config in &configs {
            engine::check_mapping(config)?;
        }
        let stored = self.store.read(|r| r.mappings()).await?;
        let is_wanted = |name: &str| configs.iter().any(|c| c.name.eq_ignore_ascii_case(name));
        // One that shares another's links has to go before that one.
        let mut gone: Vec<MappingConfig> =
            stored.into_iter().map(|m| m.config).filter(|c| !is_wanted(&c.name)).collect();
        gone.sort_by_key(|c| c.link_type() == c.name);
        let order: Vec<String> = configs.iter().map(|c| c.name.clone()).collect();
        self.mappings_add(configs).await?;
        for config in gone {
            self.mapping_remove(ByName { name: config.name }).await?;
        }
        // The order of the document is the order of implicit sync.
        let stands: Vec<String> =
            self.store.read(|r| r.mappings()).await?.into_iter().map(|m| m.config.name).collect();
        if stands != order {
            self.mapping_reorder(MappingOrder { names: order }).await?;
        }
        self.sync_document().await
    }

    /// `config/provisioner.openicf/<name>`: a connector's document without its secrets.
    pub async fn connector_document(&self, name: &str) -> Result<Value, ApiError> {
        let row = self.connector_row(name).await?;
        let mut document = serde_json::to_value(&row.config)
            .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        if let Some(document) = document.as_object_mut() {
            document.insert("_id".into(), format!("provisioner.openicf/{}", row.config.name).into());
            if let Some(Value::Object(settings)) = document.get_mut("configurationProperties") {
                // They are taken out before a document is stored; what a newer version calls a secret is not shown either.
                settings.retain(|name, _| !SECRET_PROPERTIES.contains(&name.as_str()));
            }
        }
        Ok(document)
    }

    /// Creates or changes a connector by its document. Secrets in it go into the vault; those that are left out stay.
    /// Gives whether it is new.
    pub async fn put_connector_document(
        &self,
        name: &str,
        mut document: Map<String, Value>,
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
        let draft = ConnectorDraft {
            create,
            rev: None,
            config: Value::Object(document),
            secrets: Default::default(),
        };
        self.connector_save(draft).await?;
        Ok(create)
    }

    /// `config/managed`: every managed type.
    pub async fn managed_document(&self) -> Result<Value, ApiError> {
        let types = self.store.read(|r| Ok(engine::Engine::managed_types(r))).await??;
        Ok(json!({"_id": "managed", "objects": types}))
    }

    /// Puts `config/managed`: these types are all there are. A change that touches what is stored has to be `confirmed`.
    pub async fn put_managed_document(&self, document: Value, confirmed: bool) -> Result<Value, ApiError> {
        let wanted: ManagedConfig = serde_json::from_value(document)
            .map_err(|e| ApiError::new(ErrorCode::Invalid, format!("this is not a managed.json: {e}")))?;
        let there = self.store.read(|r| Ok(engine::Engine::managed_types(r))).await??;
        let gone: Vec<String> = there
            .iter()
            .filter(|t| t.name != "user" && !wanted.objects.iter().any(|w| w.name == t.name))
            .map(|t| t.name.clone())
            .collect();
        for config in wanted.objects.into_iter().filter(|config| !there.contains(config)) {
            let name = config.name.clone();
            let config = serde_json::to_value(&config).map_err(|e| {
                ApiError::new(ErrorCode::Internal, format!("the type cannot be written: {e}"))
            })?;
            let saved = self.managed_type_save(ManagedTypeDraft { config, rev: None, confirmed }).await?;
            if !saved.saved {
                return Err(not_saved(&name, &saved.problems));
            }
        }
        for name in gone {
            self.managed_type_remove(ByName { name }).await?;
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

fn not_saved(name: &str, problems: &[TypeProblem]) -> ApiError {
    let of = |gravity: ProblemGravity| {
        let words: Vec<&str> =
            problems.iter().filter(|p| p.gravity == gravity).map(|p| p.message.as_str()).collect();
        words.join("; ")
    };
    let refused = of(ProblemGravity::Refused);
    if refused.is_empty() {
        let message = format!(
            "managed type `{name}`: {}; add confirm=true if this is meant",
            of(ProblemGravity::Confirm)
        );
        ApiError::new(ErrorCode::Conflict, message)
    } else {
        ApiError::new(ErrorCode::Invalid, format!("managed type `{name}`: {refused}"))
    }
}
