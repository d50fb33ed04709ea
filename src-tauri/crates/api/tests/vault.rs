//! One vault under two processes, as the window and a command on the same data folder are.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use api::{
    App, AppOptions, ErrorCode,
    dto::{ByName, ConnectorDraft, VaultPassphrase, VaultState},
};
use sandbox::hubspot::{Options, Sandbox};
use tokio::net::TcpListener;

const PASSPHRASE: &str = "a passphrase for tests";

async fn process(folder: &Path, passphrase: Option<&str>) -> Arc<App> {
    let options = AppOptions { data_dir: folder.join("data"), passphrase: passphrase.map(str::to_owned) };
    App::open(options).await.unwrap()
}

async fn reaches_hubspot(app: &App) -> bool {
    app.connector_test(ByName { name: "hubspot".into() }).await.unwrap().ok
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_one_process_changes_are_followed_by_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options = Options { access_token: Some("sandbox-service-key".into()), ..Options::default() };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let command = process(folder.path(), Some(PASSPHRASE)).await;
    command.sample_setup(&sandbox.url(), "sandbox-service-key").await.unwrap();
    // The window knows the passphrase only from its own field.
    let window = process(folder.path(), None).await;
    assert_eq!(window.vault_status().await.unwrap().state, VaultState::Locked);
    let typed = VaultPassphrase { passphrase: PASSPHRASE.into() };
    assert_eq!(window.vault_unlock(typed).await.unwrap().state, VaultState::Unlocked);
    assert!(reaches_hubspot(&window).await);

    assert_eq!(command.vault_rotate().await.unwrap(), 1);
    assert!(reaches_hubspot(&window).await, "what was sealed anew is read");
    window.vault_recovery_key().await.unwrap();
    assert!(reaches_hubspot(&command).await, "the root key that came with it is found");
    assert_eq!(command.vault_rotate().await.unwrap(), 1);
    assert_eq!(window.vault_rotate().await.unwrap(), 1);
    window.vault_set_passphrase("another passphrase".into()).await.unwrap();
    assert!(reaches_hubspot(&command).await, "another passphrase changes no key that is in use");

    for (passphrase, opens) in [("another passphrase", true), (PASSPHRASE, false)] {
        let next = process(folder.path(), Some(passphrase)).await;
        assert_eq!(next.vault_status().await.unwrap().state == VaultState::Unlocked, opens, "{passphrase}");
        if opens {
            assert!(reaches_hubspot(&next).await);
        }
    }
    // Behind a passphrase that it was never told, and another root key, it is locked, and says so.
    window.vault_recovery_key().await.unwrap();
    let refusal = command.vault_rotate().await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Locked, "{}", refusal.message);
    sandbox.stop().await;
}

/// What scripts do that set up a fresh data folder in one go.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_all_come_first_share_one_vault() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    let come = |number: usize| {
        let data = data.clone();
        tokio::spawn(async move {
            let app = process(&data, Some(PASSPHRASE)).await;
            let config = serde_json::json!({
                "name": format!("hubspot{number}"),
                "enabled": true,
                "connectorRef": {
                    "connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector",
                    "bundleName": "org.forgerock.openicf.connectors.hubspot-connector",
                    "bundleVersion": "[1.5.0.0,2)",
                    "systemType": "provisioner.openicf",
                },
                "configurationProperties": {"accessToken": format!("a token of {number}")},
            });
            let draft = ConnectorDraft { create: true, rev: None, config, secrets: Default::default() };
            app.connector_save(draft).await.map(|_| app)
        })
    };
    let coming: Vec<_> = (0..4).map(come).collect();
    let mut apps = Vec::new();
    for app in coming {
        apps.push(app.await.unwrap().unwrap_or_else(|refusal| panic!("{}", refusal.message)));
    }
    // Every secret is sealed in the vault that is there, whoever made it.
    assert_eq!(process(folder.path(), Some(PASSPHRASE)).await.vault_rotate().await.unwrap(), 4);
    // Who comes with another passphrase is told, and makes no vault of its own.
    let other = process(folder.path(), Some("another passphrase")).await;
    assert_eq!(other.vault_rotate().await.unwrap_err().code, ErrorCode::Locked);
}
