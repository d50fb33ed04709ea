//! What the mapping editor asks before it saves, against a sandbox: nothing of it writes, and nobody sees what is private.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::Ipv4Addr, sync::Arc};

use api::{
    App, AppOptions, ErrorCode,
    dto::{
        AssociationPage, AssociationStanding, AssociationsRequest, ById, ByName, ByResource, ConnectorDraft,
        ConnectorEnable, Empty, LinkChange, MappingDraft, MappingOrder, MappingProposalRequest, MatchRequest,
        NamesRequest, ObjectNames, ObjectsChange, ObjectsExport, QueueRequest, RunApply, RunMode, RunStart,
        RunState, SampleRequest, StatsRequest, TrialRequest, UserDraft,
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
        lab.app.mapping_save(MappingDraft { create: true, rev: None, config }).await.unwrap();
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

async fn links(
    lab: &Lab,
    mapping: &str,
    standing: AssociationStanding,
    search: Option<&str>,
) -> AssociationPage {
    let request = AssociationsRequest {
        mapping: mapping.into(),
        link_qualifier: None,
        standing,
        search: search.map(str::to_owned),
        after: None,
        limit: Some(100),
    };
    lab.app.associations_list(request).await.unwrap()
}

fn change(source: &str, target: Option<&str>) -> LinkChange {
    LinkChange {
        mapping: INBOUND.into(),
        source: Some(source.into()),
        target: target.map(str::to_owned),
        link_qualifier: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_put_right_by_hand_and_read_by_name() {
    let lab = lab().await;
    lab.user("keeper", "keeper@example.org").await;
    // Nothing was read yet, so the first records are read now.
    let never_seen = links(&lab, INBOUND, AssociationStanding::Any, None).await;
    assert!(never_seen.live && never_seen.rows.len() >= 30, "{never_seen:?}");
    let contact = never_seen.rows[0].source.clone();
    let users = links(&lab, OUTBOUND, AssociationStanding::Unlinked, None).await;
    assert_eq!((users.live, users.rows.len()), (false, 1), "users are here already");
    let user = users.rows[0].source.clone();
    assert_eq!(user.title, "Test User");

    lab.app.link_set(change(&contact.id, Some(&user.id))).await.unwrap();
    let linked = links(&lab, INBOUND, AssociationStanding::Linked, Some(&contact.title)).await;
    assert!(linked.live, "a search asks the source itself");
    let row = linked.rows.iter().find(|row| row.source.id == contact.id).unwrap();
    assert_eq!(
        row.target.as_ref().map(|t| (t.id.as_str(), t.title.as_str())),
        Some((user.id.as_str(), "Test User"))
    );
    let back = links(&lab, OUTBOUND, AssociationStanding::Linked, None).await;
    assert_eq!(
        back.rows[0].target_id.as_deref(),
        Some(contact.id.as_str()),
        "both directions share the link"
    );
    assert_eq!(back.rows[0].target.as_ref().unwrap().title, contact.title);
    let private = serde_json::to_string(&back).unwrap();
    assert!(!private.contains("lastSync") && !private.contains("password"), "{private}");

    lab.app.link_remove(change(&contact.id, None)).await.unwrap();
    assert_eq!(links(&lab, OUTBOUND, AssociationStanding::Linked, None).await.rows, []);
    assert_eq!(links(&lab, OUTBOUND, AssociationStanding::Unlinked, None).await.rows.len(), 1);

    let named = |resource: &str, ids: Vec<String>| NamesRequest { resource: resource.into(), ids };
    let asked = vec!["not-there".into(), contact.id.clone()];
    let remote = lab.app.records_named(named(CONTACT, asked.clone())).await.unwrap();
    assert_eq!((remote.records.len(), remote.stale.is_none()), (1, true));
    assert_eq!(remote.records[0].title, contact.title);
    let own = lab.app.records_named(named(USER, vec![user.id.clone()])).await.unwrap();
    assert_eq!(own.records[0].title, "Test User");
    let error = lab.app.records_named(named(USER, vec!["x".into(); 101])).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Invalid);

    // A system that is away is told, and what was last seen of its records is shown.
    lab.sandbox.stop().await;
    let seen = lab.app.records_named(named(CONTACT, asked)).await.unwrap();
    assert_eq!((seen.records.len(), seen.stale.is_some()), (1, true));
    lab.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_users_are_changed_exported_and_deleted_with_what_that_means() {
    let lab = lab().await;
    for n in 0..3 {
        lab.user(&format!("user{n}"), &format!("user{n}@example.org")).await;
    }
    lab.app.queue_deliver().await.unwrap();
    let linked = links(&lab, OUTBOUND, AssociationStanding::Linked, None).await;
    let mut ids: Vec<String> = linked.rows.iter().map(|row| row.source.id.clone()).collect();
    assert_eq!(ids.len(), 3);
    ids.push("nobody".into());
    let names = |ids: &[String]| ObjectNames { kind: "user".into(), ids: ids.to_vec() };

    let attributes = json!({"accountStatus": "inactive"});
    let made = ObjectsChange { kind: "user".into(), ids: ids.clone(), attributes };
    let changed = lab.app.objects_change(made).await.unwrap();
    assert_eq!((changed.done, changed.refused.len()), (3, 1));
    assert!(changed.refused[0].id == "nobody" && !changed.refused[0].message.is_empty(), "{changed:?}");
    let bad =
        ObjectsChange { kind: "user".into(), ids: ids.clone(), attributes: json!({"mail": "no address"}) };
    assert_eq!(lab.app.objects_change(bad).await.unwrap().refused.len(), 4, "each is refused on its own");

    let export = |columns: &[&str], only_ids: bool| ObjectsExport {
        kind: "user".into(),
        search: None,
        filter: Some("accountStatus eq \"inactive\"".into()),
        sort: Some("-userName".into()),
        only_ids,
        ids: if only_ids { vec![ids[0].clone()] } else { Vec::new() },
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
    };
    let written = lab.app.objects_export(export(&["userName", "accountStatus"], false)).await.unwrap();
    let table = std::fs::read_to_string(&written.path).unwrap();
    let lines: Vec<&str> = table.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!((written.rows, lines.len(), lines[0]), (3, 4, "_id,userName,accountStatus"));
    assert!(lines[1].ends_with(",user2,inactive"), "{table}");
    assert_eq!(lab.app.objects_export(export(&["userName"], true)).await.unwrap().rows, 1);
    for secret in ["password", "lastSync", "nothing"] {
        let refused = lab.app.objects_export(export(&[secret], false)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Invalid, "{secret}");
    }

    // The template leaves what its user is gone of to a person; with another policy it is deleted.
    let foreseen = lab.app.objects_foresee_delete(names(&ids)).await.unwrap();
    assert_eq!((foreseen.objects, foreseen.left_alone), (3, 0), "{foreseen:?}");
    let actions = |f: &api::dto::DeleteForesight| -> Vec<(String, u64, bool)> {
        f.effects.iter().map(|e| (e.action.clone(), e.count, e.needs_you)).collect()
    };
    let mut config = lab.config(OUTBOUND).await;
    let now = actions(&foreseen);
    config["policies"] = json!([{"situation": "SOURCE_MISSING", "action": "DELETE"}]);
    lab.app.mapping_save(MappingDraft { create: false, rev: None, config: config.clone() }).await.unwrap();
    let deleting = lab.app.objects_foresee_delete(names(&ids)).await.unwrap();
    assert_eq!(actions(&deleting), [("DELETE".to_owned(), 3, false)], "before: {now:?}");
    assert_eq!(deleting.effects[0].situation, "SOURCE_MISSING");
    assert_eq!(deleting.effects[0].examples, ["Test User"; 3]);
    config["enableSync"] = json!(false);
    lab.app.mapping_save(MappingDraft { create: false, rev: None, config: config.clone() }).await.unwrap();
    let alone = lab.app.objects_foresee_delete(names(&ids)).await.unwrap();
    assert_eq!((alone.effects.len(), alone.left_alone), (0, 3), "nobody carries it on: {alone:?}");
    config["enableSync"] = json!(true);
    lab.app.mapping_save(MappingDraft { create: false, rev: None, config }).await.unwrap();
    assert_eq!(lab.app.app_status(Empty {}).await.unwrap().users, 3, "foresight does nothing");

    let gone = lab.app.objects_delete(names(&ids)).await.unwrap();
    assert_eq!((gone.done, gone.refused.len()), (3, 1));
    assert_eq!(lab.app.app_status(Empty {}).await.unwrap().users, 0);
    lab.app.queue_deliver().await.unwrap();
    assert_eq!(links(&lab, OUTBOUND, AssociationStanding::Any, None).await.rows, []);
    let many = ObjectNames { kind: "user".into(), ids: vec!["x".into(); 501] };
    assert_eq!(lab.app.objects_delete(many).await.unwrap_err().code, ErrorCode::Invalid);
    lab.end().await;
}

/// The form marks the field.
#[tokio::test]
async fn a_connector_name_that_cannot_be_taken_is_an_error_of_the_name() {
    let lab = lab().await;
    let there = lab.app.connector_get(ByName { name: "hubspot".into() }).await.unwrap();
    for (name, code) in [("two words", ErrorCode::Invalid), ("hubspot", ErrorCode::Conflict)] {
        let mut config = there.config.clone();
        config["name"] = json!(name);
        let draft = ConnectorDraft { create: true, rev: None, config, secrets: Default::default() };
        let refused = lab.app.connector_save(draft).await.unwrap_err();
        assert_eq!((refused.code, refused.field.as_deref()), (code, Some("name")), "{refused}");
    }
    lab.end().await;
}

/// Another process changed it, as `concord mapping add` does, while somebody was editing.
#[tokio::test]
async fn what_is_based_on_an_older_mapping_or_connector_is_not_saved() {
    let lab = lab().await;
    let named = |name: &str| ByName { name: name.into() };
    let base = lab.app.mapping_get(named(INBOUND)).await.unwrap();
    let (mut ours, mut theirs) = (base.config.clone(), base.config);
    theirs["displayName"] = json!("Theirs");
    lab.app.mappings_add(vec![model::MappingConfig::from_value(theirs).unwrap()]).await.unwrap();
    ours["enableSync"] = json!(false);
    let draft = |rev: &str| MappingDraft { create: false, rev: Some(rev.to_owned()), config: ours.clone() };
    let refused = lab.app.mapping_save(draft(&base.rev)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Stale);
    assert!(refused.message.contains("has changed meanwhile"), "{refused}");
    let now = lab.app.mapping_get(named(INBOUND)).await.unwrap();
    assert_eq!((&now.config["displayName"], &now.config["enableSync"]), (&json!("Theirs"), &json!(true)));
    let saved = lab.app.mapping_save(draft(&now.rev)).await.unwrap();
    assert_eq!(saved.config["enableSync"], json!(false));
    assert_ne!(saved.rev, now.rev);

    let base = lab.app.connector_get(named("hubspot")).await.unwrap();
    lab.app.connector_enable(ConnectorEnable { name: "hubspot".into(), enabled: false }).await.unwrap();
    let draft = |rev: &str| ConnectorDraft {
        create: false,
        rev: Some(rev.to_owned()),
        config: base.config.clone(),
        secrets: Default::default(),
    };
    let refused = lab.app.connector_save(draft(&base.rev)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Stale);
    assert!(refused.message.contains("has changed meanwhile"), "{refused}");
    let now = lab.app.connector_get(named("hubspot")).await.unwrap();
    assert!(!now.summary.enabled);
    assert_eq!(lab.app.connector_save(draft(&now.rev)).await.unwrap().rev, base.rev);
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_what_of_its_plan_is_not_begun() {
    let lab = lab().await;
    let reconcile = |mode| RunStart {
        mapping: INBOUND.into(),
        mode,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    };
    let run = lab.app.run_start(reconcile(RunMode::Reconcile)).await.unwrap();
    lab.app.run_wait(&run.id, |_| {}).await.unwrap();
    let mut config = lab.config(INBOUND).await;
    config["sourceCondition"] = json!("lastname eq \"nobody at all\"");
    config["policies"] = json!([{"situation": "UNQUALIFIED", "action": "UNLINK"}]);
    lab.app.mapping_save(MappingDraft { create: false, rev: None, config }).await.unwrap();
    let run = lab.app.run_start(reconcile(RunMode::Preview)).await.unwrap();
    let held = lab.app.run_wait(&run.id, |_| {}).await.unwrap();
    assert_eq!(held.state, RunState::Held, "{held:?}");
    let detail = lab.app.run_get(ById { id: run.id.clone() }).await.unwrap();
    let names = |counts: &[api::dto::Count]| -> Vec<(String, u64)> {
        counts.iter().map(|c| (c.name.clone(), c.count)).collect()
    };
    assert_eq!(names(&detail.planned), [("UNLINK".to_owned(), held.changes)]);
    let run = lab.app.run_apply(RunApply { id: run.id, allow_deletes: Some(held.changes) }).await.unwrap();
    lab.app.run_wait(&run.id, |_| {}).await.unwrap();
    let detail = lab.app.run_get(ById { id: run.id }).await.unwrap();
    assert!(names(&detail.actions).contains(&("UNLINK".to_owned(), held.changes)), "{detail:?}");
    assert_eq!(names(&detail.planned), []);
    lab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_read_in_pages_that_say_how_much_there_is() {
    let lab = lab().await;
    lab.app.connector_enable(ConnectorEnable { name: "hubspot".into(), enabled: false }).await.unwrap();
    for name in ["one", "two", "three"] {
        lab.user(name, &format!("{name}@example.com")).await;
    }
    let all = lab.app.queue_rows().await.unwrap();
    assert_eq!(all.len(), 3);
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = lab.app.queue_list(QueueRequest { after, limit: Some(2) }).await.unwrap();
        assert_eq!(page.failed + page.waiting, all.len() as u64);
        pages.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let ids = |rows: &[api::dto::QueueRow]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&pages), ids(&all));
    let one = lab.app.queue_get(ById { id: all[0].id.clone() }).await.unwrap();
    assert_eq!((one.id.as_str(), one.kind.as_str()), (all[0].id.as_str(), "user"));
    let none = lab.app.queue_get(ById { id: "1000000".into() }).await.unwrap_err();
    assert_eq!(none.code, ErrorCode::NotFound);
    lab.end().await;
}
