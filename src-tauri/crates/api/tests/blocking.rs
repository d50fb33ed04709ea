//! What `syncMode: blocking` makes those wait for who write an object, and what it does not.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, net::Ipv4Addr, path::PathBuf, sync::Arc};

use api::{
    App, AppOptions, ErrorCode,
    dto::{ByName, MappingDraft, ObjectDelete, ObjectDraft, ObjectsRequest, SyncState},
};
use model::Secret;
use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const KEY: &str = "sandbox-service-key";
const OUTBOUND: &str = "managedUser_systemHubspotContact";

struct Place {
    _folder: tempfile::TempDir,
    data: PathBuf,
    sandbox: Sandbox,
    app: Arc<App>,
}

impl Place {
    /// A mapping to HubSpot that is to have each change at once. Nothing is delivered in the background.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let options = Options { records: 0, access_token: Some(KEY.into()), ..Options::default() };
        let sandbox = Sandbox::start(listener, options).await.unwrap();
        let passphrase = Some("a passphrase for tests".into());
        let app = App::open(AppOptions { data_dir: data.clone(), passphrase }).await.unwrap();
        app.sample_setup(&sandbox.url(), KEY).await.unwrap();
        let mut config = app.mapping_get(ByName { name: OUTBOUND.into() }).await.unwrap().config;
        config["syncMode"] = "blocking".into();
        app.mapping_save(MappingDraft { create: false, rev: None, config }).await.unwrap();
        Self { _folder: folder, data, sandbox, app }
    }

    /// No lock can be had any more, as after somebody else's `sudo concord` or on a full disk.
    fn without_locks(&self) {
        let locks = self.data.join("locks");
        let _ = fs::remove_dir_all(&locks);
        fs::write(&locks, "").unwrap();
    }

    async fn users(&self) -> Vec<Value> {
        let list = ObjectsRequest {
            kind: "user".into(),
            search: None,
            filter: None,
            sort: None,
            after: None,
            limit: None,
            exact_total: false,
        };
        let page = self.app.objects_list(list).await.unwrap();
        page.objects.into_iter().map(|user| user.attributes).collect()
    }
}

fn draft(id: Option<&str>, title: &str) -> ObjectDraft {
    ObjectDraft {
        kind: "user".into(),
        id: id.map(str::to_owned),
        rev: None,
        attributes: json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org", "title": title}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_is_told_as_saved_when_it_cannot_be_carried_on() {
    let place = Place::new().await;
    place.without_locks();
    let states = |saved: &api::dto::ObjectSaved| saved.sync.iter().map(|s| s.state).collect::<Vec<_>>();
    let made = place.app.object_save(draft(None, "Dr")).await.unwrap();
    assert!(made.created);
    assert_eq!(states(&made), [SyncState::Waiting]);
    let id = made.object.id;
    let changed = place.app.object_save(draft(Some(&id), "Prof")).await.unwrap();
    assert_eq!(
        (states(&changed), &changed.object.attributes["title"]),
        (vec![SyncState::Waiting], &json!("Prof"))
    );
    assert_eq!(place.users().await.len(), 1);
    let delete = ObjectDelete { kind: "user".into(), id, rev: None };
    place.app.object_delete(delete).await.unwrap();
    assert!(place.users().await.is_empty());

    fs::remove_file(place.data.join("locks")).unwrap();
    let next = place.app.object_save(draft(None, "Dr")).await.unwrap();
    assert_eq!(states(&next), [SyncState::Synced], "{:?}", next.sync);
    place.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_cannot_be_carried_on_is_saved() {
    let place = Place::new().await;
    let made = place.app.object_save(draft(None, "Dr")).await.unwrap();
    place.without_locks();
    let ann = place.app.person(&made.object.id).await.unwrap().unwrap();
    let values = [("city".to_owned(), "Bern".into())].into_iter().collect();
    assert!(place.app.person_change(&ann, values).await.is_ok());
    assert_eq!(place.users().await[0]["city"], "Bern");
    place.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_locked_is_a_fault_of_the_folder_and_not_of_the_request() {
    let place = Place::new().await;
    place.without_locks();
    let refusal = place.app.mapping_remove(ByName { name: OUTBOUND.into() }).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Storage, "{refusal}");
    assert!(refusal.message.contains("check the data folder's permissions"), "{refusal}");
    place.sandbox.stop().await;
}

/// A name that is taken makes nobody wait, so a free one must not, either.
#[tokio::test(flavor = "multi_thread")]
async fn making_an_account_waits_for_no_system() {
    let place = Place::new().await;
    let ann = json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"});
    let ann = ann.as_object().unwrap().clone();
    assert!(place.app.person_register(ann, Secret::new("Correct Horse 7"), "1").await.is_ok());
    assert_eq!(place.users().await.len(), 1);
    assert!(place.sandbox.portal().contacts().is_empty(), "that is for the worker");

    let found = place.app.person_sign_in("ann", Secret::new("Correct Horse 7")).await.unwrap().unwrap();
    assert!(place.app.person_agree(&found, "2").await.is_ok());
    assert_eq!(place.sandbox.portal().contacts().len(), 1, "who is known has nothing to learn by waiting");
    place.sandbox.stop().await;
}
