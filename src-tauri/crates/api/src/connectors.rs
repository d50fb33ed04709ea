//! Connectors: list, form, save, test, switch, remove.

mod dependents;
mod forms;
mod kinds;
mod records;
mod usage;

use connector::{ErrorKind, TestReport};
use model::{ConnectorConfig, connector_config::Provider};
use store::{ConnectorRow, StoreError};

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        AttributeInfo, ByName, ConnectorBlank, ConnectorDetail, ConnectorDraft, ConnectorEnable,
        ConnectorState, ConnectorSummary, ConnectorTest, Empty, SchemaInfo, SchemaRequest, SecretStatus,
        Trouble,
    },
    pool::{TOKENS, owner},
    schema_drift::reads_another_schema,
};

impl App {
    /// Every connector by name.
    pub async fn connectors_list(&self, _: Empty) -> Result<Vec<ConnectorSummary>, ApiError> {
        let rows = self.store.read(|r| r.connectors()).await?;
        let mut summaries = Vec::new();
        for row in rows {
            summaries.push(self.summary_of(&row).await?);
        }
        Ok(summaries)
    }

    /// The form of a connector that does not exist yet.
    pub async fn connector_blank(&self, request: ConnectorBlank) -> Result<ConnectorDetail, ApiError> {
        let kind = kinds::kind(&request.provider).ok_or_else(|| {
            let known: Vec<&str> = kinds::KINDS.iter().map(|kind| kind.provider).collect();
            ApiError::new(
                ErrorCode::Invalid,
                format!("there is no connector for `{}`; there are {}", request.provider, known.join(", ")),
            )
        })?;
        let rows = self.store.read(|r| r.connectors()).await?;
        let taken = |name: &str| rows.iter().any(|row| row.config.name.eq_ignore_ascii_case(name));
        let name = std::iter::once(request.provider.clone())
            .chain((2..).map(|n| format!("{}{n}", request.provider)))
            .find(|name| !taken(name))
            .unwrap_or_default();
        let config =
            kinds::draft(kind, &name).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        self.detail_of(ConnectorRow { config, tested_at: None, test_error: None }).await
    }

    /// A connector with everything that its form needs.
    pub async fn connector_get(&self, request: ByName) -> Result<ConnectorDetail, ApiError> {
        let row = self.connector_row(&request.name).await?;
        self.detail_of(row).await
    }

    /// Creates or changes a connector. A revision that is not in force is [`ErrorCode::Stale`]. Its secrets go into the vault, and all of it is committed at once or not at all.
    pub async fn connector_save(&self, request: ConnectorDraft) -> Result<ConnectorDetail, ApiError> {
        let text = request.config.to_string();
        let mut config = ConnectorConfig::parse(&text, None)?;
        let name = config.name.clone();
        let lookup = name.clone();
        let existing = self.store.read(move |r| r.connector(&lookup)).await?;
        match (&existing, request.create) {
            (Some(_), true) => {
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    format!("connector `{name}` exists already; choose another name"),
                ));
            }
            (None, false) => return Err(no_such_connector(&name)),
            _ => {}
        }
        if let Some(row) = &existing {
            config.name = row.config.name.clone();
        }
        let mut secrets: Vec<(String, String)> =
            config.take_secrets().into_iter().map(|(n, s)| (n, s.expose().to_owned())).collect();
        for (property, plain) in request.secrets {
            if !model::connector_config::SECRET_PROPERTIES.contains(&property.as_str()) {
                return Err(config.bad(&property, "is not a secret of this connector").into());
            }
            secrets.push((property, plain));
        }
        // Every setting is read once, so that a wrong one is told now and not in the middle of a run.
        connector::build(&config, self.pool.credentials(&name), self.clock.clone())?;
        let key = owner(&config.name);
        let mut sealed = Vec::new();
        let mut removed = Vec::new();
        for (property, plain) in secrets {
            if plain.is_empty() {
                removed.push(property);
            } else {
                sealed.push(self.vaulting.seal(&key, &property, &model::Secret::new(plain)).await?);
            }
        }
        // A renewal that is under way in another process must not put the old tokens over the new ones.
        let turn = match sealed.is_empty() {
            true => None,
            false => Some(self.pool.credentials(&config.name).refresh_guard().await?),
        };
        let (at, stored) = (self.at(), config.clone());
        let removed_any = !removed.is_empty();
        let elsewhere = existing.as_ref().is_some_and(|row| reads_another_schema(&row.config, &config));
        let rev = request.rev;
        self.store
            .write(move |w| {
                if rev.is_some() && rev != w.connector(&stored.name)?.map(|row| revision(&row.config)) {
                    return Err(StoreError::new(
                        store::ErrorKind::Stale,
                        format!(
                            "connector `{}` has changed meanwhile; load it again and repeat the change",
                            stored.name
                        ),
                    ));
                }
                w.put_connector(&stored, &at)?;
                if elsewhere {
                    w.forget_schemas(&stored.name)?;
                }
                for property in &removed {
                    w.remove_secret(&key, property)?;
                }
                for secret in &sealed {
                    // New credentials make the tokens of the old ones void.
                    if matches!(secret.field.as_str(), "refreshToken" | "clientSecret") {
                        w.remove_secret(&key, TOKENS)?;
                    }
                    w.put_secret(secret)?;
                }
                Ok(())
            })
            .await?;
        drop(turn);
        if removed_any {
            self.store.checkpoint().await?;
        }
        self.audit("connector", &config.name, if existing.is_some() { "changed" } else { "added" }).await?;
        self.connector_get(ByName { name: config.name }).await
    }

    /// Tests a connector and remembers how it went.
    pub async fn connector_test(&self, request: ByName) -> Result<ConnectorTest, ApiError> {
        let row = self.connector_row(&request.name).await?;
        let name = row.config.name.clone();
        let mut kind = None;
        let outcome = match self.pool.any(&row.config).await {
            Ok(connector) => connector.test().await.map_err(|error| {
                kind = Some(error.kind);
                ApiError::from(error)
            }),
            Err(error) => Err(ApiError::from(error)),
        };
        if let Err(ApiError { code: ErrorCode::Locked | ErrorCode::Storage, .. }) = &outcome {
            return Err(outcome.err().unwrap_or_else(|| no_such_connector(&name)));
        }
        let error = outcome.as_ref().err().map(|e| e.message.clone());
        let (at, stored, lookup) = (self.at(), error.clone(), name.clone());
        self.store
            .write(move |w| {
                w.put_connector_test(&lookup, &at, stored.as_deref())?;
                w.set_setting(&trouble_setting(&lookup), kind.map_or("", ErrorKind::as_str))
            })
            .await?;
        if error.is_none() {
            self.look_for_drift(&row).await?;
        }
        let TestReport { checked, account, missing_scopes } = outcome.unwrap_or_default();
        let trouble = kind.map(Trouble::of);
        Ok(ConnectorTest { name, ok: error.is_none(), error, trouble, checked, account, missing_scopes })
    }

    /// Switches a connector on or off.
    pub async fn connector_enable(&self, request: ConnectorEnable) -> Result<ConnectorDetail, ApiError> {
        let mut row = self.connector_row(&request.name).await?;
        row.config.enabled = request.enabled;
        let (config, at) = (row.config.clone(), self.at());
        // The switch says nothing about the keys: what their last test found stays true.
        let (tested_at, test_error) = (row.tested_at, row.test_error);
        self.store
            .write(move |w| {
                w.put_connector(&config, &at)?;
                match tested_at {
                    Some(at) => w.put_connector_test(&config.name, &at, test_error.as_deref()),
                    None => Ok(()),
                }
            })
            .await?;
        self.audit("connector", &row.config.name, if request.enabled { "enabled" } else { "disabled" })
            .await?;
        self.connector_get(ByName { name: row.config.name }).await
    }

    /// Removes a connector, its secrets and what was last seen of its records. Mappings that need it stand in the way.
    pub async fn connector_remove(&self, request: ByName) -> Result<Empty, ApiError> {
        let row = self.connector_row(&request.name).await?;
        let name = row.config.name.clone();
        let mappings = self.mappings_of(&name).await?;
        if !mappings.is_empty() {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!(
                    "connector `{name}` is used by {}; remove {} first",
                    mappings.join(", "),
                    if mappings.len() == 1 { "it" } else { "them" }
                ),
            ));
        }
        // The provider should forget the grant too; a provider that cannot be reached must not keep the connector here.
        let credentials = self.pool.credentials(&name);
        let reached = self.pool.on_the_network(&row.config).await?;
        if let Err(error) = connector::oauth::revoke(&reached, credentials, self.clock.clone()).await {
            tracing::info!(connector = name, %error, "the grant was not revoked at the provider");
        }
        let lookup = name.clone();
        self.store
            .write(move |w| {
                w.remove_setting(&trouble_setting(&lookup))?;
                w.remove_connector(&lookup)
            })
            .await?;
        self.store.checkpoint().await?;
        self.audit("connector", &name, "removed").await?;
        Ok(Empty {})
    }

    /// The attributes of an object type, read from the system.
    pub async fn connector_schema(&self, request: SchemaRequest) -> Result<SchemaInfo, ApiError> {
        let row = self.connector_row(&request.name).await?;
        let schema = self.read_schema(&row, &request.object_type).await?;
        Ok(SchemaInfo {
            object_type: schema.object_type,
            attributes: schema
                .attributes
                .into_iter()
                .map(|a| AttributeInfo {
                    name: a.name,
                    label: a.label,
                    kind: a.kind,
                    required: a.required,
                    writable: a.writable,
                    unique: a.unique,
                    options: a.options,
                })
                .collect(),
        })
    }

    pub(crate) async fn connector_row(&self, name: &str) -> Result<ConnectorRow, ApiError> {
        let lookup = name.to_owned();
        self.store.read(move |r| r.connector(&lookup)).await?.ok_or_else(|| no_such_connector(name))
    }

    /// What to do about the error of the last test.
    async fn trouble_of(&self, name: &str) -> Result<Option<Trouble>, ApiError> {
        let setting = trouble_setting(name);
        let word = self.store.read(move |r| r.setting(&setting)).await?;
        Ok(Trouble::read(word.as_deref()))
    }

    async fn mappings_of(&self, connector: &str) -> Result<Vec<String>, ApiError> {
        let inside = format!("system/{connector}/").to_lowercase();
        let mappings = self.store.read(|r| r.mappings()).await?;
        Ok(mappings
            .into_iter()
            .map(|m| m.config)
            .filter(|m| [&m.source, &m.target].iter().any(|path| path.to_lowercase().starts_with(&inside)))
            .map(|m| m.name)
            .collect())
    }

    async fn summary_of(&self, row: &ConnectorRow) -> Result<ConnectorSummary, ApiError> {
        let config = &row.config;
        let state = match (config.enabled, &row.tested_at, &row.test_error) {
            (false, _, _) => ConnectorState::Disabled,
            (true, None, _) => ConnectorState::Untested,
            (true, Some(_), None) => ConnectorState::Active,
            (true, Some(_), Some(_)) => ConnectorState::Error,
        };
        let built = connector::build(config, self.pool.credentials(&config.name), self.clock.clone());
        let object_types = built
            .map(|c| c.descriptor().object_types.iter().map(|t| t.name.clone()).collect())
            .unwrap_or_default();
        Ok(ConnectorSummary {
            name: config.name.clone(),
            title: config.title().to_owned(),
            provider: provider_word(config).to_owned(),
            enabled: config.enabled,
            state,
            message: row.test_error.clone().filter(|_| state == ConnectorState::Error),
            trouble: match state {
                ConnectorState::Error => self.trouble_of(&config.name).await?,
                _ => None,
            },
            tested_at: row.tested_at.clone(),
            object_types,
            mappings: self.mappings_of(&config.name).await?,
            host: host(config),
            usage: self.pool.usage(&config.name).map(|usage| usage::of(usage, self.clock.now())),
            drift: self.drift_count(&config.name).await?,
        })
    }

    async fn detail_of(&self, row: ConnectorRow) -> Result<ConnectorDetail, ApiError> {
        let key = owner(&row.config.name);
        let stored = self.store.read(move |r| r.secrets(&key)).await?;
        let properties =
            ["accessToken", "authToken", "password", "clientSecret", "refreshToken", "httpProxyPassword"];
        let secrets = properties
            .into_iter()
            .map(|property| {
                let found = stored.iter().find(|s| s.field == property);
                SecretStatus {
                    property: property.into(),
                    set: found.is_some(),
                    updated_at: found.map(|s| s.updated.clone()),
                }
            })
            .collect();
        let authorized = stored.iter().any(|s| matches!(s.field.as_str(), TOKENS | "refreshToken"));
        let client_id = row.config.text("clientId").ok().flatten().is_some();
        let has_secret = stored.iter().any(|s| s.field == "clientSecret");
        // Salesforce lets an app prove itself by PKCE alone.
        let secret_is_optional = matches!(row.config.provider(), Ok(Provider::Salesforce));
        // The app of a SCIM connector is granted its tokens as itself.
        let asks_a_person = !matches!(row.config.provider(), Ok(Provider::Scim));
        let redirect_uri = connector::oauth::Provider::from_config(&row.config).map_or_else(
            |_| row.config.text("redirectUri").ok().flatten().unwrap_or(DEFAULT_REDIRECT).to_owned(),
            |p| p.redirect_uri.to_string(),
        );
        Ok(ConnectorDetail {
            summary: self.summary_of(&row).await?,
            rev: revision(&row.config),
            config: serde_json::to_value(&row.config)
                .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?,
            secrets,
            properties: forms::properties(&row.config),
            can_authorize: client_id && (has_secret || secret_is_optional) && asks_a_person,
            authorized,
            redirect_uri,
        })
    }
}

const DEFAULT_REDIRECT: &str = "http://localhost:47812/oauth/callback";

/// The revision of a connector's document: another one as soon as anything in it changes.
fn revision(config: &ConnectorConfig) -> String {
    let text = serde_json::to_string(config).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

/// Where the kind of a connector's last error is kept, beside its words.
fn trouble_setting(connector: &str) -> String {
    format!("connectorTrouble/{}", connector.to_lowercase())
}

fn no_such_connector(name: &str) -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        format!("there is no connector `{name}`; `concord connector list` shows the connectors"),
    )
}

/// `hubspot`, `salesforce` or `scim`.
pub(crate) fn provider_word(config: &ConnectorConfig) -> &'static str {
    match config.provider() {
        Ok(Provider::Hubspot) => "hubspot",
        Ok(Provider::Salesforce) => "salesforce",
        Ok(Provider::Scim) => "scim",
        Err(_) => "unknown",
    }
}

/// Where the connector's calls go, as far as its configuration knows.
fn host(config: &ConnectorConfig) -> String {
    let text = |property: &str| config.text(property).ok().flatten().map(str::to_owned);
    let url = match config.provider() {
        Ok(Provider::Salesforce) => text("instanceUrl")
            .or_else(|| text("loginUrl"))
            .unwrap_or_else(|| "https://login.salesforce.com".to_owned()),
        Ok(Provider::Scim) => text("SCIMEndpoint").unwrap_or_default(),
        // What Concord has no connector for calls nobody.
        Err(_) => return String::new(),
        Ok(Provider::Hubspot) => text("apiBaseUrl").unwrap_or_else(|| "https://api.hubapi.com".to_owned()),
    };
    let Ok(parsed) = url::Url::parse(&url) else { return url };
    let host = parsed.host_str().unwrap_or_default();
    parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
