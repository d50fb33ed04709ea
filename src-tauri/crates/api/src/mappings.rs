//! Mappings: list, detail, save, remove; and the sample.

use std::collections::BTreeSet;

use engine::Engine;
use model::{
    ConnectorConfig, ManagedObjectConfig, MappingConfig, ResourcePath, Situation, SyncConfig,
    connector_config::Provider,
    mapping_config::{ActionConfig, ConditionConfig, SetOn, WhenEmpty},
};
use serde_json::Value;
use store::{AuditRow, ConnectorRow, ErrorKind, FileLock, MappingRow, StoreError};

use crate::{
    ApiError, App, ErrorCode,
    config_documents::{SYNC_REST, sync_of, sync_rest, twice_in_one},
    dto::{
        AuditTopic, ByName, Empty, MappingDetail, MappingDraft, MappingSummary, PolicyRow, PropertyRow,
        SampleSetup,
    },
    managed_objects::revision,
    pool::owner,
    samples,
};

impl App {
    /// Every mapping in sync order.
    pub async fn mappings_list(&self, _: Empty) -> Result<Vec<MappingSummary>, ApiError> {
        let (mappings, connectors) = self.store.read(|r| Ok((r.mappings()?, r.connectors()?))).await?;
        let mut summaries = Vec::new();
        for mapping in mappings {
            summaries.push(self.mapping_summary(&mapping.config, &connectors).await?);
        }
        Ok(summaries)
    }

    /// A mapping with everything that its screen needs.
    pub async fn mapping_get(&self, request: ByName) -> Result<MappingDetail, ApiError> {
        let MappingRow { config, version } = self.mapping_row(&request.name).await?;
        let connectors = self.store.read(|r| r.connectors()).await?;
        Ok(MappingDetail {
            summary: self.mapping_summary(&config, &connectors).await?,
            rev: version.to_string(),
            properties: config.properties.iter().map(property_row).collect(),
            policies: policy_rows(&config),
            correlation: correlation_text(&config),
            source_condition: config.source_condition.as_ref().map(condition_text),
            config: serde_json::to_value(&config)
                .map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?,
        })
    }

    /// Creates or changes a mapping. A revision that is not in force is [`ErrorCode::Stale`].
    pub async fn mapping_save(&self, request: MappingDraft) -> Result<MappingDetail, ApiError> {
        let config = MappingConfig::from_value(request.config)?;
        let name = config.name.clone();
        let lookup = name.clone();
        let existing = self.store.read(move |r| r.mapping(&lookup)).await?;
        match (&existing, request.create) {
            (Some(_), true) => {
                return Err(ApiError::new(
                    ErrorCode::Conflict,
                    format!("mapping `{name}` exists already; choose another name"),
                ));
            }
            (None, false) => return Err(no_such_mapping(&name)),
            _ => {}
        }
        self.put_mappings(vec![config], revision(request.rev.as_deref())?).await?;
        self.mapping_get(ByName { name }).await
    }

    /// Adds mappings or replaces those of the same name, all of them or none.
    pub async fn mappings_add(&self, configs: Vec<MappingConfig>) -> Result<Vec<String>, ApiError> {
        self.put_mappings(configs, None).await
    }

    /// Puts these mappings, in this order of sync, in place of all that there are, and what stands beside them; all of it, or
    /// nothing. With a `config/sync`, only while that is what there is.
    pub(crate) async fn mappings_replace(
        &self,
        wanted: SyncConfig,
        before: Option<Value>,
    ) -> Result<(), ApiError> {
        let SyncConfig { mappings: configs, rest } = wanted;
        check_together(&configs, &[])?;
        let stored = self.store.read(|r| r.mappings()).await?;
        let is_wanted = |name: &str| configs.iter().any(|c| c.name.eq_ignore_ascii_case(name));
        // One that shares another's links has to go before that one.
        let mut gone: Vec<MappingConfig> =
            stored.into_iter().map(|m| m.config).filter(|c| !is_wanted(&c.name)).collect();
        gone.sort_by_key(|c| c.link_type() == c.name);
        let still = gone.iter().map(|config| self.keep_still(&config.name)).collect::<Result<Vec<_>, _>>()?;
        let (at, who) = (self.at(), self.who());
        let audited = move |object: &str, detail: &str| AuditRow {
            at: at.clone(),
            who: who.clone(),
            topic: AuditTopic::Mapping.as_str().into(),
            object: object.into(),
            detail: detail.into(),
        };
        let order: Vec<String> = configs.iter().map(|c| c.name.clone()).collect();
        let at = self.at();
        self.store
            .write(move |w| {
                if before.is_some() && before != sync_of(&w.mappings()?, sync_rest(w)?).ok() {
                    return Err(StoreError::new(
                        ErrorKind::Stale,
                        "the mappings have changed meanwhile; load them again and repeat the change",
                    ));
                }
                for config in &configs {
                    w.put_mapping(config, &at)?;
                    w.add_audit(&audited(&config.name, "saved"))?;
                }
                for config in &gone {
                    w.remove_mapping(&config.name)?;
                    w.add_audit(&audited(&config.name, "removed with its links"))?;
                }
                w.set_setting(SYNC_REST, &Value::Object(rest).to_string())?;
                // The order of the document is the order of implicit sync.
                w.reorder_mappings(&order)
            })
            .await?;
        drop(still);
        Ok(())
    }

    /// Nothing begins to run a mapping while it is being removed.
    fn keep_still(&self, mapping: &str) -> Result<FileLock, ApiError> {
        self.engine.keep_still(mapping)?.ok_or_else(|| {
            let message = format!("mapping `{mapping}` is being run; cancel the run first");
            ApiError::new(ErrorCode::Conflict, message)
        })
    }

    /// The same; with a version, only where that is the one in force of each.
    async fn put_mappings(
        &self,
        configs: Vec<MappingConfig>,
        version: Option<i64>,
    ) -> Result<Vec<String>, ApiError> {
        let stored = self.store.read(|r| r.mappings()).await?;
        let stored: Vec<MappingConfig> = stored.into_iter().map(|m| m.config).collect();
        check_together(&configs, &stored)?;
        let at = self.at();
        let names: Vec<String> = configs.iter().map(|c| c.name.clone()).collect();
        self.store
            .write(move |w| {
                configs.iter().try_for_each(|config| {
                    if let Some(version) = version {
                        w.mapping_stands(&config.name, version)?;
                    }
                    w.put_mapping(config, &at).map(|_| ())
                })
            })
            .await?;
        for name in &names {
            self.audit(AuditTopic::Mapping, name, "saved").await?;
        }
        Ok(names)
    }

    /// Removes a mapping. One whose links another mapping shares stands until that one is gone.
    pub async fn mapping_remove(&self, request: ByName) -> Result<Empty, ApiError> {
        let config = self.mapping_config(&request.name).await?;
        let mappings = self.store.read(|r| r.mappings()).await?;
        let sharing: Vec<String> = mappings
            .into_iter()
            .map(|m| m.config)
            .filter(|m| m.name != config.name && m.link_type() == config.name)
            .map(|m| m.name)
            .collect();
        if !sharing.is_empty() {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!(
                    "the links of mapping `{}` are shared by {}; remove that one first",
                    config.name,
                    sharing.join(", ")
                ),
            ));
        }
        let still = self.keep_still(&config.name)?;
        let name = config.name.clone();
        self.store.write(move |w| w.remove_mapping(&name)).await?;
        drop(still);
        self.audit(AuditTopic::Mapping, &config.name, "removed with its links").await?;
        Ok(Empty {})
    }

    /// The configuration of a mapping.
    pub async fn mapping_config(&self, name: &str) -> Result<MappingConfig, ApiError> {
        Ok(self.mapping_row(name).await?.config)
    }

    async fn mapping_row(&self, name: &str) -> Result<MappingRow, ApiError> {
        let lookup = name.to_owned();
        self.store.read(move |r| r.mapping(&lookup)).await?.ok_or_else(|| no_such_mapping(name))
    }

    /// Makes connector `hubspot` for a sandbox at `url`, reached with this token, and the two sample mappings. What is there
    /// already stays; the address follows the sandbox.
    pub async fn sample_setup(&self, url: &str, access_token: &str) -> Result<SampleSetup, ApiError> {
        let fresh =
            samples::sandbox_connector(url).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        let name = fresh.name.clone();
        let lookup = name.clone();
        let existing = self.store.read(move |r| r.connector(&lookup)).await?;
        let config = match &existing {
            Some(row) => {
                let mut config = row.config.clone();
                let ours =
                    row.config.text("apiBaseUrl").ok().flatten().is_some_and(connector::is_on_this_machine);
                if !ours {
                    return Err(ApiError::new(
                        ErrorCode::Conflict,
                        format!(
                            "connector `{name}` exists and is no sandbox; rename or remove it before you try the sample data"
                        ),
                    ));
                }
                for key in ["apiBaseUrl", "authorizeUrl"] {
                    if let Some(value) = fresh.configuration_properties.get(key) {
                        config.configuration_properties.insert(key.into(), value.clone());
                    }
                }
                config
            }
            None => fresh,
        };
        let owner = crate::pool::owner(&name);
        let lookup = owner.clone();
        let known = self.store.read(move |r| r.secrets(&lookup)).await?;
        let sealed = if known.is_empty() {
            Some(self.vaulting.seal(&owner, "accessToken", &model::Secret::new(access_token)).await?)
        } else {
            None
        };
        let mappings = samples::hubspot_mappings(&name)?;
        let names: Vec<String> = mappings.iter().map(|m| m.name.clone()).collect();
        let at = self.at();
        self.store
            .write(move |w| {
                w.put_connector(&config, &at)?;
                if let Some(sealed) = &sealed {
                    w.put_secret(sealed)?;
                }
                for mapping in &mappings {
                    if w.mapping(&mapping.name)?.is_none() {
                        w.put_mapping(mapping, &at)?;
                    }
                }
                Ok(())
            })
            .await?;
        self.connector_test(ByName { name: name.clone() }).await?;
        Ok(SampleSetup { connector: name, mappings: names, url: url.to_owned() })
    }

    async fn mapping_summary(
        &self,
        config: &MappingConfig,
        connectors: &[ConnectorRow],
    ) -> Result<MappingSummary, ApiError> {
        let name = config.name.clone();
        let failed: Vec<ConnectorConfig> =
            connectors.iter().filter(|row| row.test_error.is_some()).map(|row| row.config.clone()).collect();
        let (last, keyless, types) = self
            .store
            .read(move |r| {
                let mut keyless = BTreeSet::new();
                for connector in failed {
                    if !r.secrets(&owner(&connector.name))?.iter().any(|s| lets_in(&connector, &s.field)) {
                        keyless.insert(connector.name);
                    }
                }
                // What cannot be read of the types is told where they are.
                let types = Engine::managed_types(r).ok();
                Ok((r.last_run(&name)?, keyless, types))
            })
            .await?;
        let last_run = match last {
            Some(run) => Some(self.run_summary(&run).await?),
            None => None,
        };
        Ok(MappingSummary {
            name: config.name.clone(),
            title: config.title().to_owned(),
            source: config.source.clone(),
            target: config.target.clone(),
            source_title: end_title(&config.source, connectors),
            target_title: end_title(&config.target, connectors),
            links: config.links.clone(),
            enable_sync: config.sync_enabled(),
            properties: config.properties.len() as u64,
            last_run,
            problem: problem(config, connectors, &keyless, types.as_deref()),
        })
    }
}

fn no_such_mapping(name: &str) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("no such mapping: {name}"))
        .with_hint("`concord mapping list` shows the mappings")
}

/// Holds mappings of one document against each other, and against those beside them.
fn check_together(configs: &[MappingConfig], beside: &[MappingConfig]) -> Result<(), ApiError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = configs.iter().find(|config| !names.insert(config.name.to_lowercase())) {
        return Err(twice_in_one("mapping", &twice.name));
    }
    let known = |name: &str| configs.iter().chain(beside).find(|c| c.name == name);
    for config in configs {
        check_links(config, &known)?;
        engine::check_mapping(config)?;
    }
    Ok(())
}

pub(crate) fn check_links<'a>(
    config: &MappingConfig,
    known: &dyn Fn(&str) -> Option<&'a MappingConfig>,
) -> Result<(), ApiError> {
    let kind = config.link_type();
    if kind == config.name {
        return Ok(());
    }
    let owner = known(kind).ok_or_else(|| {
        config.place(
            "links",
            format!(
                "names mapping `{kind}`, which does not exist; add that one first or in the same document"
            ),
        )
    })?;
    if config.can_share_links_of(owner) {
        return Ok(());
    }
    Err(config
        .place(
            "links",
            format!("names mapping `{kind}`, whose source and target are neither the same nor swapped"),
        )
        .into())
}

/// A resource path in words: `HubSpot contact`, `User`.
pub(crate) fn end_title(path: &str, connectors: &[ConnectorRow]) -> String {
    match path.parse::<ResourcePath>() {
        Ok(ResourcePath::Managed(kind)) => {
            let mut letters = kind.chars();
            letters
                .next()
                .map_or(kind.clone(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
        }
        Ok(ResourcePath::System { connector, object_type }) => {
            let title = connectors
                .iter()
                .find(|c| c.config.name == connector)
                .map_or(connector.as_str(), |c| c.config.title());
            format!("{title} {object_type}")
        }
        Ok(ResourcePath::Scim(kind)) => format!("SCIM {}", kind.to_lowercase()),
        Err(_) => path.to_owned(),
    }
}

/// Whether a connector can call with this secret. A secret of an app alone does not let anybody in, except at a SCIM service,
/// where the app is granted its tokens as itself.
fn lets_in(connector: &ConnectorConfig, secret: &str) -> bool {
    match secret {
        "clientSecret" => matches!(connector.provider(), Ok(Provider::Scim)),
        "httpProxyPassword" => false,
        _ => true,
    }
}

/// Why a run could not even begin. A test that failed is no such reason: what was wrong then may be mended, and a run tells
/// its own error; without any key there is nothing to try.
fn problem(
    config: &MappingConfig,
    connectors: &[ConnectorRow],
    keyless: &BTreeSet<String>,
    types: Option<&[ManagedObjectConfig]>,
) -> Option<String> {
    [&config.source, &config.target].into_iter().find_map(|path| {
        let path: ResourcePath = path.parse().ok()?;
        if let ResourcePath::Managed(name) = &path {
            let there = types.is_none_or(|types| types.iter().any(|kind| kind.name == *name));
            return (!there).then(|| {
                format!("there is no managed object type `{name}`; add it under Configure > Managed Objects")
            });
        }
        let name = path.connector()?;
        match connectors.iter().find(|c| c.config.name.eq_ignore_ascii_case(name)) {
            None => Some(format!("connector `{name}` does not exist; add it under Configure > Connectors")),
            Some(row) if !row.config.enabled => {
                Some(format!("connector `{name}` is disabled; enable it under Configure > Connectors"))
            }
            Some(row) => row.test_error.clone().filter(|_| keyless.contains(&row.config.name)),
        }
    })
}

fn property_row(property: &model::mapping_config::PropertyConfig) -> PropertyRow {
    PropertyRow {
        source: property.source.clone().unwrap_or_default(),
        target: property.target.clone(),
        transform: property.transform.as_ref().map(ToString::to_string),
        condition: property.condition.as_ref().map(condition_text),
        default: property.default.as_ref().map(|d| match d {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
        when_empty: match property.when_empty() {
            WhenEmpty::Leave => "leave".into(),
            WhenEmpty::Clear => "clear".into(),
            WhenEmpty::Default => "default".into(),
        },
        set_on: match property.set_on() {
            SetOn::Always => "always".into(),
            SetOn::Create => "create".into(),
            SetOn::Blank => "blank".into(),
        },
    }
}

fn condition_text(condition: &ConditionConfig) -> String {
    match condition {
        ConditionConfig::Filter(text) => text.clone(),
        ConditionConfig::Script(script) => script.source.clone().or(script.file.clone()).unwrap_or_default(),
    }
}

pub(crate) fn correlation_text(config: &MappingConfig) -> Option<String> {
    let entries = match config.correlation_query.as_ref()? {
        Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    };
    let texts: Vec<String> = entries
        .iter()
        .map(|entry| match entry.get("expressionTree") {
            Some(tree) => tree_text(tree, true),
            None => entry.get("source").and_then(Value::as_str).unwrap_or("a script").to_owned(),
        })
        .collect();
    Some(texts.join(", or "))
}

/// "same mail or same userName"; a group inside another stands in parentheses.
fn tree_text(tree: &Value, outermost: bool) -> String {
    let join = |key: &str, word: &str| {
        let parts = tree.get(key)?.as_array()?;
        let alone = parts.len() == 1;
        let text =
            parts.iter().map(|part| tree_text(part, outermost && alone)).collect::<Vec<_>>().join(word);
        Some(if alone || outermost { text } else { format!("({text})") })
    };
    match tree {
        Value::String(name) => format!("same {name}"),
        _ => join("any", " or ").or_else(|| join("all", " and ")).unwrap_or_default(),
    }
}

fn policy_rows(config: &MappingConfig) -> Vec<PolicyRow> {
    let mut rows = Vec::new();
    for situation in Situation::ALL {
        let own: Vec<&str> = config
            .policies
            .iter()
            .filter(|p| p.situation.eq_ignore_ascii_case(situation.as_str()))
            .map(|p| match &p.action {
                ActionConfig::Name(name) => name.as_str(),
                ActionConfig::Script(_) => "a script",
            })
            .collect();
        let default = situation.default_action().as_str();
        let action = if own.is_empty() { default.to_owned() } else { own.join(", else ") };
        rows.push(PolicyRow {
            situation: situation.to_string(),
            meaning: situation.meaning().into(),
            is_default: action == default,
            action,
        });
    }
    rows
}
