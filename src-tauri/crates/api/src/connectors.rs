//! Connectors: list, form, save, test, switch, remove.

mod dependents;
mod forms;
mod kinds;
mod records;
mod usage;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use connector::{TestReport, credentials::memory::MemoryCredentials, oauth::DEFAULT_REDIRECT_URI};
use model::{
    ConnectorConfig, Secret,
    connector_config::{Provider, SECRET_PROPERTIES},
};
use store::{ConnectorRow, SealedSecret, StoreError, Writer};

use crate::{
    ApiError, App, ErrorCode, access,
    dto::{
        AttributeInfo, AuditTopic, ByName, ConnectorBlank, ConnectorDetail, ConnectorDraft, ConnectorEnable,
        ConnectorRemoved, ConnectorState, ConnectorSummary, ConnectorTest, Empty, SchemaInfo, SchemaRequest,
        SecretStatus, Trouble,
    },
    pool::{self, TOKENS, owner},
    program_settings::PROXY_PASSWORD,
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

    /// Creates or changes a connector. A revision that is not in force is [`ErrorCode::Stale`]. Its secrets go into the vault, and
    /// all of it is committed at once or not at all.
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
                )
                .about("name"));
            }
            (None, false) => return Err(no_such_connector(&name)),
            _ => {}
        }
        if let Some(row) = &existing {
            config.name = row.config.name.clone();
        }
        let entered = take_secrets(&mut config, request.secrets)?;
        // Every setting is read once, so that a wrong one is told now and not in the middle of a run.
        connector::build(&config, self.pool.credentials(&name), self.clock.clone())?;
        let key = owner(&config.name);
        let secrets = self.sealed(&key, entered).await?;
        // A renewal that is under way in another process must not put the old tokens over the new ones.
        let turn = match secrets.sealed.is_empty() {
            true => None,
            false => Some(self.pool.credentials(&config.name).refresh_guard().await?),
        };
        let (at, stored) = (self.at(), config.clone());
        let removed_any = !secrets.removed.is_empty();
        let elsewhere = existing.as_ref().is_some_and(|row| reads_another_schema(&row.config, &config));
        let left = match &existing {
            Some(row) if signs_in_by_oauth(&row.config) && !signs_in_by_oauth(&config) => {
                Some((row.config.clone(), self.grant_of(&config.name).await))
            }
            _ => None,
        };
        let over = left.is_some();
        let done = if existing.is_some() { "changed" } else { "added" };
        let audit = self.audit_row(AuditTopic::Connector, &config.name, done);
        let rev = request.rev;
        self.store
            .write(move |w| {
                stands(w, &stored.name, rev.as_deref())?;
                w.put_connector(&stored, &at)?;
                if elsewhere {
                    w.forget_schemas(&stored.name)?;
                }
                if over {
                    w.remove_secret(&key, TOKENS)?;
                }
                secrets.put(w, &key)?;
                w.add_audit(&audit)
            })
            .await?;
        drop(turn);
        if removed_any || over {
            self.cut_log().await;
        }
        if let Some((config, Some(grant))) = left {
            self.give_back(&config, grant).await;
        }
        self.connector_get(ByName { name: config.name }).await
    }

    /// Secrets that were entered, sealed for this owner; an empty one is to be removed.
    async fn sealed(&self, owner: &str, entered: Vec<(String, Secret)>) -> Result<NewSecrets, ApiError> {
        let mut new = NewSecrets::default();
        for (property, plain) in entered {
            if plain.expose().is_empty() {
                new.removed.push(property);
            } else {
                new.sealed.push(self.vaulting.seal(owner, &property, &plain).await?);
            }
        }
        Ok(new)
    }

    /// Tests a connector and remembers how it went.
    pub async fn connector_test(&self, request: ByName) -> Result<ConnectorTest, ApiError> {
        let row = self.connector_row(&request.name).await?;
        let name = row.config.name.clone();
        let leads = self.pool.leads(&row.config).await?;
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
        self.store.write(move |w| access::tested(w, &lookup, &at, stored.as_deref(), kind)).await?;
        if error.is_none() {
            self.look_for_drift(&row).await?;
        }
        let told = outcome.unwrap_or_default();
        let TestReport { mut checked, account, account_id, missing_scopes } = told;
        // One that a test could not find out is asked for again when it matters.
        let linked_in = match &account_id {
            Some(now) => self.linked_elsewhere(&name, now).await?,
            None => None,
        };
        if account_id.is_some()
            && let Some(before) = self.pool.note_account(&row.config, leads, account_id).await?.or(linked_in)
        {
            checked.push(format!(
                "another account than before, which was {before}: the links of its mappings are to records of that one"
            ));
        }
        let trouble = kind.map(Trouble::of);
        Ok(ConnectorTest { name, ok: error.is_none(), error, trouble, checked, account, missing_scopes })
    }

    /// The account that links to a connector's records were made in, where that is another one than `now`.
    async fn linked_elsewhere(&self, connector: &str, now: &str) -> Result<Option<String>, ApiError> {
        let (inside, now) = (format!("system/{connector}/"), now.to_owned());
        let found = self.store.read(move |r| {
            for mapping in r.mappings()? {
                let mut linked = r.linked_accounts(mapping.config.link_type())?;
                linked.retain(|path, account| path.starts_with(&inside) && *account != now);
                if let Some((_, account)) = linked.pop_first() {
                    return Ok(Some(account));
                }
            }
            Ok(None)
        });
        Ok(found.await?)
    }

    /// Switches a connector on or off.
    pub async fn connector_enable(&self, request: ConnectorEnable) -> Result<ConnectorDetail, ApiError> {
        let ConnectorEnable { name, enabled } = request;
        let name = self.connector_row(&name).await?.config.name;
        let (lookup, at) = (name.clone(), self.at());
        let audit =
            self.audit_row(AuditTopic::Connector, &name, if enabled { "enabled" } else { "disabled" });
        let there = self
            .store
            .write(move |w| {
                let Some(mut row) = w.connector(&lookup)? else { return Ok(false) };
                row.config.enabled = enabled;
                w.put_connector(&row.config, &at)?;
                // The switch says nothing about the keys: what their last test found stays true.
                if let Some(at) = row.tested_at {
                    w.put_connector_test(&row.config.name, &at, row.test_error.as_deref())?;
                }
                w.add_audit(&audit)?;
                Ok(true)
            })
            .await?;
        if !there {
            return Err(no_such_connector(&name));
        }
        self.connector_get(ByName { name }).await
    }

    /// Removes a connector, its secrets and what was last seen of its records. Mappings that need it stand in the way.
    pub async fn connector_remove(&self, request: ByName) -> Result<ConnectorRemoved, ApiError> {
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
        let grant = self.grant_of(&name).await;
        let audit = self.audit_row(AuditTopic::Connector, &name, "removed");
        self.store
            .write(move |w| {
                access::forget(w, &name)?;
                pool::forget(w, &name)?;
                w.remove_connector(&name)?;
                w.add_audit(&audit)
            })
            .await?;
        self.cut_log().await;
        let grant_kept = match grant {
            Some(grant) => self.give_back(&row.config, grant).await,
            None => None,
        };
        Ok(ConnectorRemoved { grant_kept })
    }

    /// What the provider's consent gave a connector, with all that it takes to give it back, apart from the vault: it is about to
    /// be removed there. `None` where there is none, or where the vault does not tell.
    async fn grant_of(&self, connector: &str) -> Option<MemoryCredentials> {
        let stored = self.pool.credentials(connector);
        let mut grant = MemoryCredentials::new().set_tokens(stored.tokens().await.ok().flatten()?);
        for property in ["clientSecret", PROXY_PASSWORD] {
            if let Ok(Some(secret)) = stored.secret(property).await {
                grant = grant.set(property, secret.expose());
            }
        }
        Some(grant)
    }

    /// The provider should forget a grant that is not kept here any more; one that cannot be reached keeps nobody waiting for long.
    /// Gives why it was not given back, if it was not.
    async fn give_back(&self, config: &ConnectorConfig, grant: MemoryCredentials) -> Option<String> {
        let asked = async {
            let reached = self.pool.on_the_network(config).await.map_err(|error| error.message)?;
            let revoked = connector::oauth::revoke(&reached, Arc::new(grant), self.clock.clone()).await;
            revoked.map_err(|error| error.to_string())
        };
        let revoked = tokio::time::timeout(GIVING_BACK, asked).await;
        let why = revoked.unwrap_or_else(|_| Err("it does not answer".to_owned())).err()?;
        tracing::warn!(connector = config.name, error = why, "the grant was not given back");
        let told = format!("its authorization was not given back: {why}");
        if let Err(error) = self.audit(AuditTopic::Connector, &config.name, &told).await {
            tracing::warn!(%error, "that is not in the audit");
        }
        Some(why)
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

    async fn mappings_of(&self, connector: &str) -> Result<Vec<String>, ApiError> {
        let mappings = self.store.read(|r| r.mappings()).await?;
        Ok(mappings
            .into_iter()
            .map(|m| m.config)
            .filter(|m| m.object_types_of(connector).next().is_some())
            .map(|m| m.name)
            .collect())
    }

    async fn summary_of(&self, row: &ConnectorRow) -> Result<ConnectorSummary, ApiError> {
        let config = &row.config;
        let state = match (config.enabled, &row.tested_at, &row.test_error) {
            (false, _, _) => ConnectorState::Disabled,
            (true, _, Some(_)) => ConnectorState::Error,
            (true, None, None) => ConnectorState::Untested,
            (true, Some(_), None) => ConnectorState::Active,
        };
        let last = match state {
            ConnectorState::Error => {
                let name = config.name.clone();
                Some(self.store.read(move |r| access::last_error(r, &name)).await?)
            }
            _ => None,
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
            trouble: last.as_ref().and_then(|last| Trouble::read(last.kind.as_deref())),
            refused_at: last.and_then(|last| last.refused_at),
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
        let client_id = signs_in_by_oauth(&row.config);
        let has_secret = stored.iter().any(|s| s.field == "clientSecret");
        // Salesforce lets an app prove itself by PKCE alone.
        let secret_is_optional = matches!(row.config.provider(), Ok(Provider::Salesforce));
        // The app of a SCIM connector is granted its tokens as itself.
        let asks_a_person = !matches!(row.config.provider(), Ok(Provider::Scim));
        let redirect_uri = connector::oauth::Provider::from_config(&row.config).map_or_else(
            |_| row.config.text("redirectUri").ok().flatten().unwrap_or(DEFAULT_REDIRECT_URI).to_owned(),
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

/// What a saved form changes about a connector's secrets.
#[derive(Default)]
struct NewSecrets {
    sealed: Vec<SealedSecret>,
    /// By property.
    removed: Vec<String>,
}

impl NewSecrets {
    fn put(&self, w: &Writer<'_>, owner: &str) -> Result<(), StoreError> {
        for property in &self.removed {
            w.remove_secret(owner, property)?;
        }
        for secret in &self.sealed {
            // New credentials make the tokens of the old ones void.
            if matches!(secret.field.as_str(), "refreshToken" | "clientSecret") {
                w.remove_secret(owner, TOKENS)?;
            }
            w.put_secret(secret)?;
        }
        Ok(())
    }
}

/// The secrets that stand in a document, which are taken out of it, and those that were entered beside it.
fn take_secrets(
    config: &mut ConnectorConfig,
    beside: BTreeMap<String, String>,
) -> Result<Vec<(String, Secret)>, ApiError> {
    let mut secrets = config.take_secrets();
    for (property, plain) in beside {
        if !SECRET_PROPERTIES.contains(&property.as_str()) {
            return Err(config.bad(&property, "is not a secret of this connector").into());
        }
        secrets.push((property, Secret::new(plain)));
    }
    Ok(secrets)
}

/// Whether a connector is still the one of this revision, where one is given; another one, or none, is an error of kind `Stale`.
fn stands(w: &Writer<'_>, name: &str, rev: Option<&str>) -> Result<(), StoreError> {
    let Some(rev) = rev else { return Ok(()) };
    if w.connector(name)?.is_some_and(|row| revision(&row.config) == rev) {
        return Ok(());
    }
    Err(StoreError::new(
        store::ErrorKind::Stale,
        format!("connector `{name}` has changed meanwhile; load it again and repeat the change"),
    ))
}

/// How long a provider has to take a grant back.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// The revision of a connector's document: another one as soon as anything in it changes.
fn revision(config: &ConnectorConfig) -> String {
    let text = serde_json::to_string(config).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

/// Whether a connector has an app that people give their consent to.
fn signs_in_by_oauth(config: &ConnectorConfig) -> bool {
    config.text("clientId").ok().flatten().is_some()
}

fn no_such_connector(name: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no connector `{name}`"))
        .with_hint("`concord connector list` shows the connectors")
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
    let Some(url) = config.address() else { return String::new() };
    let Ok(parsed) = url::Url::parse(url) else { return url.to_owned() };
    let host = parsed.host_str().unwrap_or_default();
    parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
