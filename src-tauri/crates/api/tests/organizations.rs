//! HubSpot's companies and our organizations, by the mappings that come along, in both directions; and which company a
//! contact belongs to.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use api::{
    App, AppOptions,
    dto::{
        ByName, Empty, MappingDraft, ObjectDraft, ObjectsRequest, ReadyMappingsAdd, RunMode, RunStart,
        RunState, RunSummary, UsersRequest,
    },
};
use sandbox::hubspot::{Action, Fault, ObjectKind, Options, Portal, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

const TOKEN: &str = "sandbox-service-key";
const INWARD: &str = "systemHubspotCompany_managedOrganization";
const OUTWARD: &str = "managedOrganization_systemHubspotCompany";
const CONTACT_INWARD: &str = "systemHubspotContact_managedUser";

async fn house() -> (TempDir, Arc<App>, Sandbox) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options { records: 60, access_token: Some(TOKEN.into()), ..Options::default() };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = AppOptions {
        data_dir: folder.path().join("data"),
        passphrase: Some("a passphrase for tests".to_owned()),
    };
    let app = App::open(options).await.unwrap();
    app.sample_setup(&sandbox.url(), TOKEN).await.unwrap();
    (folder, app, sandbox)
}

async fn run(app: &Arc<App>, mapping: &str) -> RunSummary {
    let start = RunStart {
        mapping: mapping.into(),
        mode: RunMode::Reconcile,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    };
    let run = app.run_start(start).await.unwrap();
    app.run_wait(&run.id, |_| {}).await.unwrap()
}

async fn reconciled(app: &Arc<App>, mapping: &str) -> RunSummary {
    let run = run(app, mapping).await;
    assert_eq!((run.state, run.failed), (RunState::Success, 0), "{mapping}: {:?}", run.message);
    run
}

/// Name, domain, city, postal code, employees: of every company, of every organization.
type Row = [String; 5];

fn companies(portal: &Portal) -> Vec<Row> {
    let mut rows: Vec<Row> = portal
        .records(ObjectKind::Company)
        .iter()
        .map(|company| {
            let value = |name: &str| company.properties.get(name).cloned().unwrap_or_default();
            [
                value("name"),
                value("domain").to_lowercase(),
                value("city"),
                value("zip"),
                value("numberofemployees"),
            ]
        })
        .collect();
    rows.sort();
    rows
}

async fn objects(app: &App) -> Vec<(String, Value)> {
    objects_of(app, "organization").await
}

async fn objects_of(app: &App, kind: &str) -> Vec<(String, Value)> {
    let page = app
        .objects_list(ObjectsRequest {
            kind: kind.into(),
            search: None,
            filter: None,
            sort: None,
            after: None,
            limit: Some(1000),
            exact_total: false,
        })
        .await
        .unwrap();
    page.objects.into_iter().map(|object| (object.id, object.attributes)).collect()
}

async fn organizations(app: &App) -> Vec<Row> {
    let mut rows: Vec<Row> = objects(app)
        .await
        .iter()
        .map(|(_, object)| {
            ["name", "domain", "city", "postalCode", "numberOfEmployees"]
                .map(|name| object[name].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn companies_become_organizations_and_organizations_companies() {
    let (_folder, app, sandbox) = house().await;
    let portal = sandbox.portal();
    let type_names = async || -> Vec<String> {
        app.managed_types(Empty {}).await.unwrap().into_iter().map(|kind| kind.name).collect()
    };
    assert!(!type_names().await.contains(&"organization".to_owned()), "it is made for those who want it");
    let offered = app.ready_mappings_of(ByName { name: "hubspot".into() }).await.unwrap();
    for name in [INWARD, OUTWARD] {
        let text = &offered.iter().find(|mapping| mapping.name == name).unwrap().text;
        assert!(text.contains("no managed type `organization` yet; it is made"), "{text}");
    }
    let add = ReadyMappingsAdd {
        connector: "hubspot".into(),
        names: vec![INWARD.into(), OUTWARD.into()],
        parameters: BTreeMap::new(),
    };
    assert_eq!(app.ready_mappings_add(add).await.unwrap().len(), 2);
    assert!(type_names().await.contains(&"organization".to_owned()));
    let offered = app.ready_mappings_of(ByName { name: "hubspot".into() }).await.unwrap();
    assert!(offered.iter().all(|mapping| !mapping.text.contains("it is made with")));

    // Nobody is an organization without a name.
    portal.create_record(ObjectKind::Company, &[("domain", "nameless.example")]).unwrap();
    let named = |rows: Vec<Row>| -> Vec<Row> { rows.into_iter().filter(|row| !row[0].is_empty()).collect() };
    reconciled(&app, INWARD).await;
    assert!(!organizations(&app).await.is_empty());
    assert_eq!(organizations(&app).await, named(companies(&portal)));

    // A change of either side reaches the other, and something new does.
    let (id, _) = objects(&app).await.remove(0);
    let attributes = json!({"city": "Ulm", "numberOfEmployees": "77", "postalCode": null});
    let draft = ObjectDraft { kind: "organization".into(), id: Some(id), rev: None, attributes };
    app.object_save(draft).await.unwrap();
    let attributes = json!({"name": "Born Here", "domain": "born-here.example", "city": "Bonn"});
    let draft = ObjectDraft { kind: "organization".into(), id: None, rev: None, attributes };
    app.object_save(draft).await.unwrap();
    reconciled(&app, OUTWARD).await;
    assert_eq!(organizations(&app).await, named(companies(&portal)));
    assert!(companies(&portal).iter().any(|row| row[0] == "Born Here" && row[2] == "Bonn"));
    let first = portal.records(ObjectKind::Company)[0].id.clone();
    portal.set_record(ObjectKind::Company, &first, &[("city", "Kiel")]).unwrap();
    reconciled(&app, INWARD).await;
    assert_eq!(organizations(&app).await, named(companies(&portal)));
    // The answer to creating some is lost. No key finds them again, so they are looked for as the mapping looks.
    for (name, domain) in [("Lost One", "one.example"), ("Lost Two", "two.example"), ("Lost Three", "")] {
        let attributes = json!({"name": name, "domain": domain});
        let draft = ObjectDraft { kind: "organization".into(), id: None, rev: None, attributes };
        app.object_save(draft).await.unwrap();
    }
    portal.set_faults(vec![Fault::on("*/companies/batch/create", Action::LoseAnswer)]);
    let mut runs = 0;
    while organizations(&app).await != named(companies(&portal)) || runs == 0 {
        runs += 1;
        assert!(runs < 4, "{:#?} {:#?}", organizations(&app).await, companies(&portal));
        run(&app, OUTWARD).await;
    }
    portal.clear_faults();
    // Companies have no key that HubSpot keeps unique: nobody is there twice all the same.
    let before = (companies(&portal), organizations(&app).await);
    for mapping in [OUTWARD, INWARD] {
        assert_eq!(reconciled(&app, mapping).await.changes, 0, "{mapping}");
    }
    assert_eq!((companies(&portal), organizations(&app).await), before);
}

/// Nobody becomes somebody new by losing what the condition asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_without_its_address_and_a_company_without_its_name_stay_who_they_are() {
    let (_folder, app, sandbox) = house().await;
    let portal = sandbox.portal();
    let add = ReadyMappingsAdd {
        connector: "hubspot".into(),
        names: vec![INWARD.into(), OUTWARD.into()],
        parameters: BTreeMap::new(),
    };
    app.ready_mappings_add(add).await.unwrap();
    for (kind, inward, outward, ours, key, known_by, edit) in [
        (
            ObjectKind::Contact,
            CONTACT_INWARD,
            "managedUser_systemHubspotContact",
            "user",
            ("email", "mail"),
            [("email", "loses@example.org"), ("lastname", "Lee")],
            json!({"title": "Boss"}),
        ),
        (
            ObjectKind::Company,
            INWARD,
            OUTWARD,
            "organization",
            ("name", "name"),
            [("name", "Loses Inc"), ("website", "loses.example")],
            json!({"city": "Ulm"}),
        ),
    ] {
        let record = portal.create_record(kind, &known_by).unwrap();
        reconciled(&app, inward).await;
        let (there, here) = (portal.count(kind), objects_of(&app, ours).await);
        let known = |(_, object): &&(String, Value)| object[key.1] == known_by[0].1;
        let (id, _) = here.iter().find(known).unwrap().clone();

        portal.set_record(kind, &record, &[(key.0, "")]).unwrap();
        let run = reconciled(&app, inward).await;
        assert_eq!(run.changes, 0, "{inward}");
        let draft = ObjectDraft { kind: ours.into(), id: Some(id.clone()), rev: None, attributes: edit };
        app.object_save(draft).await.unwrap();
        reconciled(&app, outward).await;
        assert_eq!(portal.count(kind), there, "{outward}");

        // It has another one by now, and is nobody new here.
        portal.set_record(kind, &record, &[(key.0, "again@example.org")]).unwrap();
        reconciled(&app, inward).await;
        let (_, object) = objects_of(&app, ours).await.into_iter().find(|(other, _)| *other == id).unwrap();
        assert_eq!(object[key.1], "again@example.org");
        assert_eq!(objects_of(&app, ours).await.len(), here.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_s_companies_can_be_mapped() {
    let (_folder, app, sandbox) = house().await;
    let portal = sandbox.portal();
    let contact = portal.create(&[("email", "linked@example.org"), ("lastname", "Lee")]).unwrap();
    let [first, second] =
        ["First", "Second"].map(|name| portal.create_record(ObjectKind::Company, &[("name", name)]).unwrap());
    assert!(portal.link(&contact, &first) && portal.link(&contact, &second));
    let mapping = CONTACT_INWARD;
    let mut config = app.mapping_get(ByName { name: mapping.into() }).await.unwrap().config;
    let properties = config["properties"].as_array_mut().unwrap();
    properties.retain(|property| property["target"] != "title");
    properties.push(json!({"source": "associatedcompanyid", "target": "description"}));
    properties.push(json!({
        "source": "__COMPANIES__", "target": "title", "transform": {"builtIn": "join", "separator": " "},
    }));
    app.mapping_save(MappingDraft { create: false, rev: None, config }).await.unwrap();
    reconciled(&app, mapping).await;
    let page = app
        .users_list(UsersRequest {
            search: None,
            filter: Some("mail eq \"linked@example.org\"".into()),
            sort: None,
            after: None,
            limit: None,
        })
        .await
        .unwrap();
    let user = &page.users[0].attributes;
    assert_eq!(user["description"], first.as_str());
    assert_eq!(user["title"], format!("{first} {second}"));
}
