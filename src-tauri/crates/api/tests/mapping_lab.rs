//! What the mapping editor asks before it saves, against a sandbox: nothing of it writes, and nobody sees what is private.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::Ipv4Addr, sync::Arc};

use api::{
    App, AppOptions, ErrorCode,
    dto::{
        ByName, ByResource, Empty, MappingDraft, MappingOrder, MappingProposalRequest, MatchRequest,
        SampleRequest, StatsRequest, TrialRequest, UserDraft,
    },
};
use sandbox::hubspot::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const INBOUND: &str = "systemHubspotContact_managedUser";
const OUTBOUND: &str = "managedUser_systemHubspotContact";
const CONTACT: &str = "system/hubspot/contact";
const USER: &str = "managed/user";

struct Lab {
    app: Arc<App>,
    sandbox: Sandbox,
    _folder: tempfile::TempDir,
}

async fn lab() -> Lab {
    let folder = tempfile::tempdir().unwrap();
    let options = AppOptions {
        data_dir: folder.path().join("data"),
        passphrase: Some("a passphrase for tests".into()),
    };
    let app = App::open(options).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options = Options {
        records: 30,
        seed: 7,
        access_token: Some("sandbox-service-key".into()),
        ..Options::default()
    };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    app.sample_setup(&sandbox.url(), "sandbox-service-key").await.unwrap();
    Lab { app, sandbox, _folder: folder }
}

impl Lab {
    async fn end(self) {
        self.app.close().await;
        self.sandbox.stop().await;
    }

    async fn config(&self, name: &str) -> Value {
        self.app.mapping_get(ByName { name: name.into() }).await.unwrap().config
    }

    fn sample(&self, resource: &str, search: Option<&str>) -> SampleRequest {
        SampleRequest {
            resource: resource.into(),
            search: search.map(str::to_owned),
            attributes: vec!["email".into(), "lastname".into()],
            limit: Some(5),
        }
    }

    async fn user(&self, name: &str, mail: &str) {
        let attributes = json!({"userName": name, "givenName": "Test", "sn": "User", "mail": mail});
        self.app.user_save(UserDraft { id: None, rev: None, attributes }).await.unwrap();
    }
}

#[tokio::test]
async fn records_are_found_by_what_they_begin_with() {
    let lab = lab().await;
    let first = lab.app.records_sample(lab.sample(CONTACT, None)).await.unwrap().records;
    assert_eq!(first.len(), 5);
    let mail = first[0].attributes["email"].as_str().unwrap().to_owned();
    let part = mail[..mail.len() - 3].to_uppercase();
    let found = lab.app.records_sample(lab.sample(CONTACT, Some(&part))).await.unwrap().records;
    assert!(found.iter().any(|r| r.id == first[0].id), "{part}: {found:?}");
    let none = lab.app.records_sample(lab.sample(CONTACT, Some("nobody begins so"))).await.unwrap();
    assert!(none.records.is_empty());
    let wrong = lab.app.records_sample(lab.sample("system/nothing/contact", None)).await.unwrap_err();
    assert_eq!(wrong.code, ErrorCode::NotFound);
    lab.end().await;
}

#[tokio::test]
async fn resources_schemas_and_statistics() {
    let lab = lab().await;
    let resources = lab.app.resources_list(Empty {}).await.unwrap();
    let paths: Vec<&str> = resources.iter().map(|r| r.path.as_str()).collect();
    assert!(paths.contains(&USER) && paths.contains(&CONTACT), "{paths:?}");
    let schema = lab.app.resource_schema(ByResource { resource: USER.into() }).await.unwrap();
    let names: Vec<&str> = schema.attributes.iter().map(|a| a.name.as_str()).collect();
    assert!(names.contains(&"mail") && !names.contains(&"lastSync"), "{names:?}");
    let request =
        StatsRequest { resource: CONTACT.into(), attributes: vec!["email".into(), "nothing".into()] };
    let stats = lab.app.resource_stats(request).await.unwrap();
    assert!(!stats.more && stats.looked >= 30, "{stats:?}");
    assert!(stats.attributes[0].filled > 20 && stats.attributes[1].filled == 0, "{stats:?}");
    lab.end().await;
}

#[tokio::test]
async fn a_trial_follows_the_draft_and_writes_nothing() {
    let lab = lab().await;
    let records = lab.app.records_sample(lab.sample(CONTACT, None)).await.unwrap().records;
    let contact = records.iter().find(|r| r.attributes["email"].is_string()).unwrap();
    let mut config = lab.config(INBOUND).await;
    let ask = |config: &Value| TrialRequest {
        config: config.clone(),
        source_id: contact.id.clone(),
        link_qualifier: None,
    };
    let new = lab.app.mapping_try(ask(&config)).await.unwrap();
    assert_eq!((new.situation.as_str(), new.action.as_str()), ("ABSENT", "CREATE"));
    lab.user("other", &contact.attributes["email"].as_str().unwrap().to_lowercase()).await;
    let found = lab.app.mapping_try(ask(&config)).await.unwrap();
    assert_eq!((found.situation.as_str(), found.target.is_some()), ("FOUND", true));
    config["properties"] = json!([
        {"source": "email", "target": "mail", "transform": {"type": "text/javascript", "source": "source.nothing.at"}},
        {"target": "sn", "default": "constant"},
    ]);
    config["correlationQuery"] = json!([{"expressionTree": {"all": ["sn"]}}]);
    let tried = lab.app.mapping_try(ask(&config)).await.unwrap();
    let outcomes: Vec<&str> = tried.properties.iter().map(|p| p.outcome.as_str()).collect();
    assert_eq!(outcomes, ["failed", "written"]);
    assert_eq!(lab.app.app_status(Empty {}).await.unwrap().users, 1);

    config["validSource"] = json!({"type": "text/javascript", "source": "source.("});
    let error = lab.app.mapping_try(ask(&config)).await.unwrap_err();
    assert!(error.message.contains("(validSource)"), "{}", error.message);
    lab.end().await;
}

#[tokio::test]
async fn matches_are_counted_before_the_rule_is_saved() {
    let lab = lab().await;
    let records = lab.app.records_sample(lab.sample(CONTACT, None)).await.unwrap().records;
    let mails: Vec<&str> = records.iter().filter_map(|r| r.attributes["email"].as_str()).collect();
    lab.user("one", &mails[0].to_uppercase()).await;
    lab.user("two", "elsewhere@example.org").await;
    let config = lab.config(INBOUND).await;
    let ask = |link_qualifier: Option<&str>| MatchRequest {
        config: config.clone(),
        link_qualifier: link_qualifier.map(str::to_owned),
    };
    let other = lab.app.mapping_matches(ask(Some("other"))).await.unwrap();
    assert_eq!((other.one, other.several), (0, 0), "no rule is for this qualifier: {other:?}");
    let report = lab.app.mapping_matches(ask(None)).await.unwrap();
    assert_eq!((report.one, report.several, report.compared), (1, 0, 2), "{report:?}");
    assert!(report.none > 10 && report.unqualified > 0, "{report:?}");
    assert_eq!(report.matched[0].source.id, records[0].id);
    lab.end().await;
}

#[tokio::test]
async fn a_proposal_is_a_mapping_that_can_be_saved() {
    let lab = lab().await;
    let request =
        MappingProposalRequest { source: "system/hubspot/company".into(), target: USER.into(), links: None };
    for template in lab.app.mapping_propose(request).await.unwrap().templates {
        let mut config = template.config;
        config["name"] = json!(format!("made_{}", template.id));
        lab.app.mapping_save(MappingDraft { create: true, config }).await.unwrap();
    }
    let request = MappingProposalRequest { source: USER.into(), target: CONTACT.into(), links: None };
    assert_eq!(lab.app.mapping_propose(request).await.unwrap().linkable, [INBOUND]);

    let names: Vec<String> =
        lab.app.mappings_list(Empty {}).await.unwrap().into_iter().map(|m| m.name).rev().collect();
    let listed = lab.app.mapping_reorder(MappingOrder { names: names.clone() }).await.unwrap();
    assert_eq!(listed.into_iter().map(|m| m.name).collect::<Vec<_>>(), names);
    let stale = lab.app.mapping_reorder(MappingOrder { names: vec![OUTBOUND.into()] }).await.unwrap_err();
    assert_eq!(stale.code, ErrorCode::Stale);
    lab.end().await;
}
