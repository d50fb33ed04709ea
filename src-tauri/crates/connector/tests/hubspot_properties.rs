//! What the HubSpot connector offers beside plain records: property definitions, links, the recycle bin, read-only
//! properties, ids in filters.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::{Connector, ErrorKind, Feed, Outcome, Search};
use futures::StreamExt;
use model::Filter;
use sandbox::hubspot::ObjectKind;
use serde_json::{Value, json};

use self::support::world::{World, change, creation, done, key, seeded};
use self::support::{Reply, Script, all, contacts};

fn search(object_type: &str, filter: Option<&str>, attributes: &[&str]) -> Search {
    Search {
        object_type: object_type.into(),
        filter: filter.map(|f| Filter::parse(f).unwrap()),
        attributes: attributes.iter().map(|a| (*a).to_owned()).collect(),
        after: None,
    }
}

fn rejected(outcome: &Outcome) -> (&str, Option<&str>) {
    match outcome {
        Outcome::Rejected { reason, attribute } => (reason, attribute.as_deref()),
        other => panic!("expected Rejected, found {other:?}"),
    }
}

fn partly(outcome: &Outcome) -> (&str, &[String]) {
    match outcome {
        Outcome::Partly { reason, refused, .. } => (reason, refused),
        other => panic!("expected Partly, found {other:?}"),
    }
}

#[tokio::test]
async fn property_definitions_are_made_read_changed_and_archived() {
    for (object_type, version) in
        [("contactProperties", "2026-03"), ("companyProperties", "2026-09"), ("contactProperties", "v3")]
    {
        let world = World::new(seeded(1)).await;
        let (portal, hubspot) =
            (world.sandbox.portal(), world.hubspot(json!({"apiVersion": version}), key()));
        let made = hubspot
            .create(
                object_type,
                &[
                    creation("a", json!({"__NAME__": "employee_number", "label": "Employee number", "hasUniqueValue": true})),
                    creation("b", json!({"name": "badge", "type": "enumeration", "options": ["gold", "blue"], "description": null})),
                ],
            )
            .await;
        assert_eq!(done(&made[0]).uid, "employee_number");
        assert_eq!(done(&made[1]).attributes["fieldType"], "select");
        assert_eq!(portal.call_count(), 1, "{:?}", world.paths());
        let made = hubspot
            .create(
                object_type,
                &[
                    creation("a", json!({"name": "badge"})),
                    creation("b", json!({"name": "Not A Name"})),
                    creation("c", json!({"name": "floor", "calculated": true})),
                    creation("d", json!({"name": "floor", "type": "number"})),
                    creation("e", json!({"name": "floor"})),
                    creation("f", json!({"name": "nickname", "colour": "red"})),
                ],
            )
            .await;
        assert!(matches!(&made[0], Outcome::Conflict { existing, .. } if existing == "badge"), "{made:?}");
        assert!(rejected(&made[1]).0.contains("lower-case letters"));
        assert_eq!(rejected(&made[2]).1, Some("calculated"));
        assert_eq!(done(&made[3]).attributes["type"], "number");
        assert!(rejected(&made[4]).0.contains("another record in the same batch (d)"));
        assert!(rejected(&made[5]).0.contains("`colour` is no attribute of a property definition"));

        let list =
            all(&hubspot, search(object_type, None, &["__NAME__", "label", "hubspotDefined"])).await.unwrap();
        let badge = list.objects.iter().find(|o| o.uid == "badge").unwrap();
        assert_eq!(
            Value::Object(badge.attributes.clone()),
            json!({"__NAME__": "badge", "label": "badge", "hubspotDefined": false})
        );
        let own =
            all(&hubspot, search(object_type, Some("hubspotDefined eq false"), &["name"])).await.unwrap();
        let own: BTreeSet<String> = own.objects.into_iter().map(|o| o.uid).collect();
        assert!(own.is_superset(&["badge", "employee_number", "floor"].map(str::to_owned).into()), "{own:?}");
        assert!(!own.contains("createdate"));

        let outcomes = hubspot
            .update(
                object_type,
                &[
                    change("badge", json!({"label": "Badge", "options": ["gold", "blue", "red"]})),
                    change("no_such_property", json!({"label": "x"})),
                    change("badge", json!({"hasUniqueValue": true})),
                    change("createdate", json!({"label": "Mine"})),
                ],
            )
            .await;
        assert_eq!(done(&outcomes[0]).attributes["label"], "Badge");
        assert_eq!(outcomes[1], Outcome::Gone);
        assert!(rejected(&outcomes[2]).0.contains("only when the property is made"));
        assert!(rejected(&outcomes[3]).0.contains("HubSpot refused"));
        let read =
            hubspot.read(object_type, &["badge".into(), "nobody".into()], &["options".into()]).await.unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].attributes["options"].as_array().unwrap().len(), 3);
        assert_eq!(hubspot.find_by_key(object_type, &["floor".into()], &[]).await.unwrap().len(), 1);

        let outcomes = hubspot
            .delete(object_type, &["badge".into(), "createdate".into(), "floor".into(), "?".into()])
            .await;
        assert_eq!((done(&outcomes[0]).uid.as_str(), done(&outcomes[2]).uid.as_str()), ("badge", "floor"));
        assert!(rejected(&outcomes[1]).0.contains("HubSpot refused"));
        assert_eq!(outcomes[3], Outcome::Gone);
        assert!(hubspot.read(object_type, &["badge".into(), "floor".into()], &[]).await.unwrap().is_empty());
    }
    let world = World::new(seeded(0)).await;
    let hubspot = world.keyed();
    let schema = hubspot.schema("companyProperties").await.unwrap();
    let name = schema.attributes.iter().find(|a| a.name == "name").unwrap();
    assert!(name.required && name.unique && name.writable);
    assert_eq!(world.sandbox.portal().call_count(), 0);
    assert!(hubspot.moved("contactProperties", &["email".into()]).await.unwrap().is_empty());
}

#[tokio::test]
async fn links_between_contacts_and_companies_are_an_attribute() {
    let world = World::new(seeded(120)).await;
    let portal = world.sandbox.portal();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    let company = portal.create_record(ObjectKind::Company, &[("name", "Everyone's")]).unwrap();
    for id in &ids {
        let path = format!("/crm/objects/2026-03/contacts/{id}/associations/default/companies/{company}");
        let answer = http
            .put(format!("{}{path}", world.sandbox.url()))
            .bearer_auth("sandbox-service-key")
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), 200);
    }
    for hubspot in [world.keyed(), world.hubspot(json!({"apiVersion": "v3"}), key())] {
        portal.reset_calls();
        let listed = all(&hubspot, contacts(&["email", "__COMPANIES__"])).await.unwrap();
        assert_eq!((listed.objects.len(), portal.call_count()), (120, 2), "{:?}", world.paths());
        for contact in &listed.objects {
            assert!(contact.attributes["__COMPANIES__"].as_array().unwrap().contains(&json!(company)));
        }
        // A list brings the first hundred of a record's links, the rest is asked for.
        let wanted = search("company", Some("name eq \"Everyone's\""), &["__CONTACTS__"]);
        for request in [wanted, search("company", None, &["__CONTACTS__"])] {
            let found = all(&hubspot, request).await.unwrap().objects;
            let one = found.iter().find(|c| c.uid == company).unwrap();
            let linked: BTreeSet<&str> = one.attributes["__CONTACTS__"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_str().unwrap())
                .collect();
            assert_eq!(linked, ids.iter().map(String::as_str).collect());
            assert_eq!(one.attributes.len(), 1);
        }
        let read = hubspot.read("contact", &ids[..3], &["__COMPANIES__".into()]).await.unwrap();
        assert!(
            read.iter().all(|o| o.attributes["__COMPANIES__"].as_array().unwrap().contains(&json!(company)))
        );
        let filter = format!("__COMPANIES__ eq '{company}'");
        let found = all(&hubspot, search("contact", Some(&filter), &["email"])).await.unwrap();
        assert_eq!(found.objects.len(), 120);
    }
    let outcomes = world.keyed().update("contact", &[change(&ids[0], json!({"__COMPANIES__": ["9"]}))]).await;
    assert_eq!(rejected(&outcomes[0]).1, Some("__COMPANIES__"));
    let schema = world.keyed().schema("contact").await.unwrap();
    assert!(schema.attributes.iter().any(|a| a.name == "__COMPANIES__" && !a.writable));
}

#[tokio::test]
async fn the_recycle_bin_can_be_read() {
    let world = World::new(seeded(400)).await;
    let portal = world.sandbox.portal();
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    ids[100..350].iter().for_each(|id| assert!(portal.archive(id)));
    portal.set(&ids[0], &[("city", "Ulm")]).unwrap();
    for attributes in [vec!["email".to_owned()], world.wide().await] {
        let request = Search { attributes, ..search("contact", Some("__ARCHIVED__ eq true"), &[]) };
        let gone = all(&world.keyed(), request).await.unwrap().objects;
        let found: BTreeSet<&str> = gone.iter().map(|o| o.uid.as_str()).collect();
        assert_eq!(found, ids[100..350].iter().map(String::as_str).collect());
        assert!(gone.iter().all(|o| o.attributes.contains_key("email")));
    }
    let filter = format!("__ARCHIVED__ eq true and _id eq '{}'", ids[120]);
    assert_eq!(
        all(&world.keyed(), search("contact", Some(&filter), &["email"])).await.unwrap().objects.len(),
        1
    );
    let live =
        all(&world.keyed(), search("contact", Some("!(__ARCHIVED__ eq true)"), &["email"])).await.unwrap();
    assert_eq!(live.objects.len(), 150);
}

#[tokio::test]
async fn ids_in_a_filter_are_read_and_not_searched() {
    let world = World::new(seeded(300)).await;
    let portal = world.sandbox.portal();
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    portal.reset_calls();
    let filter: Vec<String> = ids[..150].iter().map(|id| format!("_id eq '{id}'")).collect();
    let found = all(&world.keyed(), search("contact", Some(&filter.join(" or ")), &["email"])).await.unwrap();
    assert_eq!((found.objects.len(), portal.call_count()), (150, 2));
    assert!(found.objects.iter().all(|o| o.attributes.len() == 1));
    let filter = format!("__UID__ eq '{}' and email sw 'nobody at all'", ids[0]);
    assert!(all(&world.keyed(), search("contact", Some(&filter), &[])).await.unwrap().objects.is_empty());
    assert!(world.paths().iter().all(|p| p.ends_with("batch/read")), "{:?}", world.paths());
}

#[tokio::test]
async fn read_only_properties_are_never_sent() {
    let world = World::new(seeded(3)).await;
    let portal = world.sandbox.portal();
    let id = portal.contacts()[0].id.clone();
    let hubspot = world.keyed();
    let batch = [
        change(&id, json!({"createdate": "2026-01-01T00:00:00Z", "firstname": "A"})),
        change(&portal.contacts()[1].id, json!({"firstname": "B"})),
    ];
    let outcomes = hubspot.update("contact", &batch).await;
    let (reason, refused) = partly(&outcomes[0]);
    assert_eq!(refused, ["createdate"]);
    assert!(reason.contains("can only be read") && reason.contains("take it out of the mapping"), "{reason}");
    assert!(reason.ends_with("the record's other values were written"), "{reason}");
    assert_eq!(portal.contact(&id).unwrap().properties["firstname"], "A");
    assert_eq!(done(&outcomes[1]).uid, batch[1].uid);
    let outcomes = hubspot
        .create("contact", &[creation("a", json!({"email": "a@x.org", "hs_email_domain": "x.org"}))])
        .await;
    assert_eq!(rejected(&outcomes[0]).1, Some("hs_email_domain"));
    assert_eq!(portal.call_count(), 1, "{:?}", world.paths());
    // The schema names those of this account, and so does a refusal.
    let schema = hubspot.schema("contact").await.unwrap();
    let kept =
        schema.attributes.iter().find(|a| !a.writable && a.name.starts_with("num_")).map(|a| a.name.clone());
    if let Some(name) = kept {
        portal.reset_calls();
        let outcomes = hubspot.update("contact", &[change(&id, json!({name.clone(): "5"}))]).await;
        assert_eq!(rejected(&outcomes[0]).1, Some(name.as_str()));
        assert_eq!(portal.call_count(), 0);
    }
    let message = "Property values were not valid: [{\"isValid\":false,\"message\":\"\\\"score\\\" is a read only property; its value cannot be set.\",\"error\":\"READ_ONLY_VALUE\",\"name\":\"score\"}]";
    let script =
        Script::new([Reply::json(400, json!({"message": message, "category": "VALIDATION_ERROR"}))]).await;
    let hubspot = world.hubspot(json!({"apiBaseUrl": script.url}), key());
    for _ in 0..2 {
        let batch = [change("1", json!({"score": "1"})), change("2", json!({"score": "2"}))];
        let outcomes = hubspot.update("contact", &batch).await;
        assert!(outcomes.iter().all(|o| rejected(o).1 == Some("score")), "{outcomes:?}");
    }
    assert_eq!(script.requests().len(), 1);
}

/// The process has not read the schema, so HubSpot's refusal is what tells.
#[tokio::test]
async fn what_is_found_read_only_takes_nothing_else_of_its_batch_with_it() {
    let world = World::new(seeded(3)).await;
    let portal = world.sandbox.portal();
    let name = "hs_analytics_num_page_views";
    let schema = world.keyed().schema("contact").await.unwrap();
    assert!(schema.attributes.iter().any(|a| a.name == name && !a.writable), "{name}");
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    for (there, calls) in [(3, 2), (1, 2)] {
        portal.reset_calls();
        let batch: Vec<_> = ids
            .iter()
            .take(there)
            .enumerate()
            .map(|(n, id)| match n {
                0 => change(id, json!({"lastname": format!("N{there}"), name: "5"})),
                _ => change(id, json!({"lastname": format!("N{there}")})),
            })
            .collect();
        let hubspot = world.keyed();
        let outcomes = hubspot.update("contact", &batch).await;
        let (reason, refused) = partly(&outcomes[0]);
        assert_eq!(refused, [name]);
        assert!(reason.ends_with("the record's other values were written"), "{reason}");
        assert!(outcomes.iter().skip(1).all(|o| matches!(o, Outcome::Done(_))), "{outcomes:?}");
        for id in ids.iter().take(there) {
            assert_eq!(portal.contact(id).unwrap().properties["lastname"], format!("N{there}"));
        }
        assert_eq!(portal.call_count(), calls, "{:?}", world.paths());
        // By now it is known.
        hubspot.update("contact", &batch).await;
        assert_eq!(portal.call_count(), calls + 1, "{:?}", world.paths());
    }
    // The same where HubSpot answers for each record.
    let problem = json!({"status": "error", "category": "VALIDATION_ERROR", "message": "read only", "context": {"ids": ["1"]},
        "errors": [{"message": "read only", "code": "READ_ONLY_VALUE", "context": {"propertyName": ["score"]}}]});
    let record = |id: &str| json!({"id": id, "properties": {"lastname": "N"}});
    let script = Script::new([
        Reply::json(207, json!({"results": [record("2")], "numErrors": 1, "errors": [problem]})),
        Reply::json(200, json!({"results": [record("1")]})),
    ])
    .await;
    let batch = [change("1", json!({"lastname": "N", "score": "1"})), change("2", json!({"lastname": "N"}))];
    let outcomes = world.hubspot(json!({"apiBaseUrl": script.url}), key()).update("contact", &batch).await;
    assert_eq!(partly(&outcomes[0]).1, ["score"]);
    assert_eq!(done(&outcomes[1]).uid, "2");
    let again = json!({"inputs": [{"id": "1", "properties": {"lastname": "N"}}]});
    assert_eq!(script.requests()[1].json(), again);
}

#[tokio::test]
async fn unknown_object_types_are_named() {
    let world = World::new(seeded(0)).await;
    let hubspot = world.keyed();
    let error = all(&hubspot, search("deal", None, &[])).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("contact, company, contactProperties, companyProperties"), "{error}");
    let outcomes = hubspot.create("deal", &[creation("a", json!({"name": "x"}))]).await;
    assert!(rejected(&outcomes[0]).0.contains("`deal`"));
}

#[tokio::test]
async fn a_property_that_was_deleted_is_an_error_and_not_everybodys_empty_one() {
    let world = World::new(seeded(5)).await;
    let (portal, hubspot) = (world.sandbox.portal(), world.keyed());
    let made = hubspot
        .create(
            "contactProperties",
            &[creation("a", json!({"name": "remark"})), creation("b", json!({"name": "rank"}))],
        )
        .await;
    assert_eq!((done(&made[0]).uid.as_str(), done(&made[1]).uid.as_str()), ("remark", "rank"));
    let ids: Vec<String> = portal.contacts().into_iter().map(|c| c.id).collect();
    let start = Feed { object_type: "contact".into(), attributes: vec!["remark".into()], since: None };
    let begun: Vec<_> = hubspot.changes(start.clone()).collect().await;
    let feed = Feed { since: Some(begun[0].as_ref().unwrap().cursor.clone()), ..start };
    world.hand.advance(60);
    portal.set(&ids[0], &[("remark", "Likes tea")]).unwrap();
    world.hand.advance(60);

    // So many attributes that the address would be too long: ids by list, values by batch.
    let many = world.wide().await;
    let mut wide: Vec<&str> = many.iter().map(String::as_str).collect();
    wide.push("remark");
    let narrow: &[&str] = &["email", "remark"];
    let searches = [
        search("contact", None, narrow),
        search("contact", Some("email pr"), narrow),
        search("contact", None, &wide),
        search("contact", Some("email pr"), &wide),
        search("contact", Some("remark pr or true"), &["email"]),
    ];
    // What is defined and empty comes as null, and nobody is asked about it.
    for request in &searches {
        let found = all(&hubspot, request.clone()).await.unwrap();
        assert_eq!(found.objects.len(), 5);
        assert!(
            found.objects.iter().all(|o| request.attributes.iter().all(|a| o.attributes.contains_key(a)))
        );
    }
    let wanted = ["remark".to_owned()];
    assert_eq!(hubspot.read("contact", &ids, &wanted).await.unwrap().len(), 5);
    assert!(
        !world.paths().iter().any(|p| p.starts_with("GET") && p.contains("/properties/")),
        "{:?}",
        world.paths()
    );

    // That it was there a moment ago proves nothing.
    hubspot.schema("contact").await.unwrap();
    assert!(matches!(hubspot.delete("contactProperties", &["remark".into()]).await[..], [Outcome::Done(_)]));
    portal.reset_calls();
    let mut errors = Vec::new();
    for request in searches.into_iter().take(4) {
        errors.push(all(&hubspot, request).await.err().unwrap());
    }
    errors.push(hubspot.read("contact", &ids, &wanted).await.unwrap_err());
    let emails = [portal.contacts()[0].properties["email"].clone()];
    errors.push(hubspot.find_by_key("contact", &emails, &wanted).await.unwrap_err());
    let told: Vec<_> = hubspot.changes(feed).collect().await;
    errors.push(told.into_iter().next_back().unwrap().unwrap_err());
    for error in &errors {
        assert_eq!(error.kind, ErrorKind::Configuration, "{error}");
        for word in ["`remark`", "contact", "restore the property", "take it out of the mapping"] {
            assert!(error.message.contains(word), "{error}");
        }
    }
    let asked = world.paths().iter().filter(|p| p.starts_with("GET") && p.contains("/properties/")).count();
    assert_eq!(asked, errors.len());
    // What nobody asked for does not count, and the rest can still be read.
    assert_eq!(all(&hubspot, search("contact", None, &["email", "rank"])).await.unwrap().objects.len(), 5);
}

#[tokio::test]
async fn a_server_that_leaves_out_what_is_empty_is_asked_once_whether_it_is_defined() {
    for (schema, expect) in [
        (Reply::json(200, json!({"results": [{"name": "email"}, {"name": "remark"}]})), None),
        (Reply::json(200, json!({"results": [{"name": "email"}]})), Some("`remark`")),
        (
            Reply::json(403, json!({"message": "no", "category": "MISSING_SCOPES"})),
            Some("nothing was taken as empty"),
        ),
    ] {
        let server = Script::answering(move |request| {
            if request.target.contains("/properties/") {
                return schema.clone();
            }
            let first = !request.target.contains("after=");
            let ids = if first { 1..=100 } else { 101..=150 };
            let results: Vec<Value> = ids
                .map(|id| json!({"id": id.to_string(), "properties": {"email": format!("{id}@x.org")}}))
                .collect();
            let mut body = json!({"results": results});
            if first {
                body["paging"] = json!({"next": {"after": "100"}});
            }
            Reply::json(200, body)
        })
        .await;
        let config = support::hubspot_config(&json!({"apiBaseUrl": server.url, "permitsPerSecond": 1000}));
        let waiter = Arc::<support::Impatient>::default();
        let clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let hubspot = connector::hubspot::Hubspot::new(&config, Arc::new(key()), clock, waiter).unwrap();
        let listed = all(&hubspot, contacts(&["_id", "email", "remark"])).await;
        match (listed, expect) {
            (Ok(listed), None) => assert_eq!(listed.objects.len(), 150),
            (Err(error), Some(words)) => assert!(error.message.contains(words), "{error}"),
            (other, _) => panic!("{:?}", other.err()),
        }
        let asked = server.requests().iter().filter(|r| r.target.contains("/properties/")).count();
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn where_the_schema_is_not_asked_only_what_hubspot_itself_defines_is_taken_as_empty() {
    let server =
        Script::answering(|_| Reply::json(200, json!({"results": [{"id": "1", "properties": {}}]}))).await;
    let properties = json!({"apiBaseUrl": server.url, "permitsPerSecond": 1000, "readSchema": false});
    let waiter = Arc::<support::Impatient>::default();
    let clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
    let config = support::hubspot_config(&properties);
    let hubspot = connector::hubspot::Hubspot::new(&config, Arc::new(key()), clock, waiter).unwrap();
    assert_eq!(all(&hubspot, contacts(&["email", "phone"])).await.unwrap().objects.len(), 1);
    let error = all(&hubspot, contacts(&["email", "remark"])).await.err().unwrap();
    assert!(error.message.contains("`remark`") && error.message.contains("readSchema"), "{error}");
}
