//! The settings of the program: the vault's keys, the way to the network, and what is told about the program itself.

use model::{ConnectorConfig, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        About, AuditTopic, Empty, NetworkDraft, NetworkSettings, RecoveryKey, VaultPassphrase, VaultRotated,
        VaultStatus,
    },
};

/// The setting that holds the way to the network.
const NETWORK: &str = "network";
/// The owner of its secret.
pub(crate) const NETWORK_OWNER: &str = "settings/network";
/// The secret, under the name that it has in a connector.
pub(crate) const PROXY_PASSWORD: &str = "httpProxyPassword";

/// The way to the network as it is stored, under the names that connectors have for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Network {
    #[serde(skip_serializing_if = "Option::is_none")]
    http_proxy_host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_proxy_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_proxy_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
}

impl Network {
    /// As stored; none of it when nothing is. What cannot be read is an error: without it, calls would go past the proxy.
    pub(crate) async fn of(store: &Store) -> Result<Self, ApiError> {
        let Some(text) = store.read(|r| r.setting(NETWORK)).await? else { return Ok(Self::default()) };
        serde_json::from_str(&text).map_err(|e| {
            ApiError::new(
                ErrorCode::Storage,
                format!(
                    "the network settings cannot be read ({e}); enter them anew under Settings > Network"
                ),
            )
        })
    }

    /// A connector's configuration with this way, unless it names its own.
    pub(crate) fn applied(&self, config: &ConnectorConfig) -> ConnectorConfig {
        let mut config = config.clone();
        let ours = match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => return config,
        };
        let named = |config: &ConnectorConfig, name: &str| {
            config.configuration_properties.get(name).is_some_and(|value| match value {
                Value::Null => false,
                Value::String(text) => !text.trim().is_empty(),
                _ => true,
            })
        };
        // Host, port and user belong together; those of two proxies are not mixed.
        let own_proxy = named(&config, "httpProxyHost");
        for (name, value) in ours {
            if named(&config, &name)
                || (own_proxy && name.starts_with("httpProxy"))
                || on_this_machine(&config)
            {
                continue;
            }
            config.configuration_properties.insert(name, value);
        }
        config
    }
}

/// No proxy stands between two programs of one machine.
fn on_this_machine(config: &ConnectorConfig) -> bool {
    ["apiBaseUrl", "instanceUrl", "loginUrl", "SCIMEndpoint"]
        .iter()
        .any(|name| config.text(name).ok().flatten().is_some_and(connector::is_on_this_machine))
}

impl App {
    /// Protects the vault by this passphrase from now on.
    pub async fn vault_change_passphrase(&self, request: VaultPassphrase) -> Result<VaultStatus, ApiError> {
        self.vault_set_passphrase(request.passphrase).await
    }

    /// Seals every secret with a fresh key.
    pub async fn vault_rotate_keys(&self, _: Empty) -> Result<VaultRotated, ApiError> {
        Ok(VaultRotated { secrets: self.vault_rotate().await? })
    }

    /// Makes a new recovery key in place of the old one and gives it, this once: it is the one answer with a secret inside.
    pub async fn vault_new_recovery_key(&self, _: Empty) -> Result<RecoveryKey, ApiError> {
        Ok(RecoveryKey { key: self.vault_recovery_key().await?.expose().to_owned() })
    }

    /// The way to the network that connectors take unless they have one of their own.
    pub async fn network_get(&self, _: Empty) -> Result<NetworkSettings, ApiError> {
        let network = Network::of(&self.store).await?;
        let secrets = self.store.read(|r| r.secrets(NETWORK_OWNER)).await?;
        Ok(NetworkSettings {
            proxy_host: network.http_proxy_host,
            proxy_port: network.http_proxy_port,
            proxy_user: network.http_proxy_user,
            ca_file: network.ca_file,
            proxy_password_set: secrets.iter().any(|s| s.field == PROXY_PASSWORD),
        })
    }

    /// Changes it. Connectors take the new way with their next call.
    pub async fn network_save(&self, draft: NetworkDraft) -> Result<NetworkSettings, ApiError> {
        let text = |value: Option<String>| value.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let network = Network {
            http_proxy_host: text(draft.proxy_host),
            http_proxy_port: draft.proxy_port,
            http_proxy_user: text(draft.proxy_user),
            ca_file: text(draft.ca_file),
        };
        check(&network)?;
        let sealed = match draft.proxy_password.as_deref() {
            None => None,
            Some("") => Some(None),
            Some(plain) => {
                Some(Some(self.vaulting.seal(NETWORK_OWNER, PROXY_PASSWORD, &Secret::new(plain)).await?))
            }
        };
        let stored =
            serde_json::to_string(&network).map_err(|e| ApiError::new(ErrorCode::Internal, e.to_string()))?;
        let removed = matches!(sealed, Some(None));
        self.store
            .write(move |w| {
                w.set_setting(NETWORK, &stored)?;
                match &sealed {
                    Some(Some(secret)) => w.put_secret(secret),
                    Some(None) => w.remove_secret(NETWORK_OWNER, PROXY_PASSWORD),
                    None => Ok(()),
                }
            })
            .await?;
        if removed {
            self.cut_log().await;
        }
        self.audit(AuditTopic::Settings, "network", "changed").await?;
        self.network_get(Empty {}).await
    }

    /// What this program is, and where it keeps things.
    pub async fn about(&self, _: Empty) -> Result<About, ApiError> {
        let folder = self.folder.clone();
        let size = tokio::task::spawn_blocking(move || {
            ["concord.db", "concord.db-wal"]
                .iter()
                .filter_map(|file| Some(std::fs::metadata(folder.join(file)).ok()?.len()))
                .sum()
        });
        Ok(About {
            version: env!("CARGO_PKG_VERSION").into(),
            data_dir: self.folder.display().to_string(),
            logs_dir: self.folder.join("logs").display().to_string(),
            licence: env!("CARGO_PKG_LICENSE").into(),
            repository_size: size.await.unwrap_or(0),
        })
    }
}

fn check(network: &Network) -> Result<(), ApiError> {
    let refused = |field: &str, message: String| {
        let mut error = ApiError::new(ErrorCode::Invalid, message);
        error.field = Some(field.to_owned());
        Err(error)
    };
    if let Some(host) = &network.http_proxy_host {
        let whole = format!("http://{}/", host.trim_start_matches("http://").trim_start_matches("https://"));
        if url::Url::parse(&whole).is_err() || host.contains([' ', '@']) {
            return refused(
                "proxyHost",
                format!("`{host}` is no host; enter a name such as proxy.example.org, without user or port"),
            );
        }
    } else if network.http_proxy_port.is_some() || network.http_proxy_user.is_some() {
        return refused("proxyHost", "enter the proxy's host too, or remove its port and user".into());
    }
    if network.http_proxy_port == Some(0) {
        return refused("proxyPort", "a port is between 1 and 65535".into());
    }
    if let Some(file) = &network.ca_file
        && !std::path::Path::new(file).is_file()
    {
        return refused("caFile", format!("there is no file {file} that Concord can read"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(properties: Value) -> ConnectorConfig {
        serde_json::from_value(json!({"name": "crm", "configurationProperties": properties})).unwrap()
    }

    #[test]
    fn a_connector_takes_the_common_way_unless_it_has_its_own() {
        let network = Network {
            http_proxy_host: Some("proxy.example.org".into()),
            http_proxy_port: Some(3128),
            http_proxy_user: Some("ann".into()),
            ca_file: Some("/etc/ca.pem".into()),
        };
        for (own, expect) in [
            (
                json!({}),
                json!({"httpProxyHost": "proxy.example.org", "httpProxyPort": 3128, "httpProxyUser": "ann", "caFile": "/etc/ca.pem"}),
            ),
            (
                json!({"httpProxyHost": ""}),
                json!({"httpProxyHost": "proxy.example.org", "httpProxyPort": 3128, "httpProxyUser": "ann", "caFile": "/etc/ca.pem"}),
            ),
            (json!({"httpProxyHost": "other"}), json!({"httpProxyHost": "other", "caFile": "/etc/ca.pem"})),
            (
                json!({"caFile": "/own.pem"}),
                json!({"caFile": "/own.pem", "httpProxyHost": "proxy.example.org", "httpProxyPort": 3128, "httpProxyUser": "ann"}),
            ),
            (json!({"apiBaseUrl": "http://127.0.0.1:9"}), json!({"apiBaseUrl": "http://127.0.0.1:9"})),
            (json!({"apiBaseUrl": "http://127.0.0.2:9"}), json!({"apiBaseUrl": "http://127.0.0.2:9"})),
            (json!({"SCIMEndpoint": "http://[::1]:9/scim"}), json!({"SCIMEndpoint": "http://[::1]:9/scim"})),
        ] {
            let found = network.applied(&config(own.clone()));
            assert_eq!(Value::Object(found.configuration_properties), expect, "{own}");
        }
        let none = Network::default().applied(&config(json!({"a": 1})));
        assert_eq!(Value::Object(none.configuration_properties), json!({"a": 1}));
    }

    #[tokio::test]
    async fn settings_that_cannot_be_read_are_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(Network::of(&store).await.unwrap(), Network::default());
        let stored = json!({"httpProxyHost": "proxy.example.org", "httpProxyPort": "by name"}).to_string();
        store.write(move |w| w.set_setting(NETWORK, &stored)).await.unwrap();
        let error = Network::of(&store).await.unwrap_err();
        assert!(error.code == ErrorCode::Storage && error.message.contains("Settings > Network"), "{error}");
    }

    #[test]
    fn half_a_proxy_is_refused_at_its_field() {
        for (network, field) in [
            (Network { http_proxy_port: Some(1), ..Network::default() }, Some("proxyHost")),
            (Network { http_proxy_host: Some("a b".into()), ..Network::default() }, Some("proxyHost")),
            (Network { http_proxy_host: Some("ann@proxy".into()), ..Network::default() }, Some("proxyHost")),
            (
                Network {
                    http_proxy_host: Some("proxy".into()),
                    http_proxy_port: Some(0),
                    ..Network::default()
                },
                Some("proxyPort"),
            ),
            (Network { ca_file: Some("/nowhere/ca.pem".into()), ..Network::default() }, Some("caFile")),
            (Network { http_proxy_host: Some("proxy.example.org".into()), ..Network::default() }, None),
            (Network::default(), None),
        ] {
            let found = check(&network).err().and_then(|error| error.field);
            assert_eq!(found.as_deref(), field, "{network:?}");
        }
    }
}
