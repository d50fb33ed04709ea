//! Search, properties, associations and account information over the wire.
// The portal of these tests is filled by a helper, which may end the test.
#![allow(clippy::unwrap_used)]

mod common;
mod hubspot_bench;

use std::time::Duration;

use common::START;
use hubspot_bench::{Bench, Page as _, start};
use sandbox::hubspot::ObjectKind;
use serde_json::{Value, json};

const SEARCH: &str = "/crm/v3/objects/contacts/search";

async fn people() -> Bench {
    let bench = start(|_| {}).await;
    for (first, last, email, spend, birthday, phone) in [
        ("Ann", "Alpha", "ann@example.org", "5", "1990-01-01", ""),
        ("Bob", "Beta", "bob@example.com", "50", "1991-01-01", "1"),
        ("Cid", "", "CID@example.org", "500", "", ""),
        ("Dee", "Alpha", "", "", "1993-01-01", "4"),
    ] {
        bench
            .portal
            .create(&[
                ("firstname", first),
                ("lastname", last),
                ("email", email),
                ("annual_spend", spend),
                ("date_of_birth_iso", birthday),
                ("phone", phone),
            ])
            .unwrap();
        bench.clock.advance(1_000);
    }
    bench
}

fn names(body: &Value) -> String {
    let all = body["results"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|record| record["properties"]["firstname"].as_str().unwrap_or("-").to_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let bench = people().await;
    let second = (START + 1_000).to_string();
    let filter = |property: &str, operator: &str, value: &str| json!({"propertyName": property, "operator": operator, "value": value});
    for (filter, expected) in [
        (filter("lastname", "EQ", "alpha"), "Ann Dee"),
        (filter("lastname", "NEQ", "alpha"), "Bob"),
        (filter("annual_spend", "GT", "5"), "Bob Cid"),
        (filter("annual_spend", "GTE", "5"), "Ann Bob Cid"),
        (filter("annual_spend", "LT", "50"), "Ann"),
        (filter("annual_spend", "LTE", "50"), "Ann Bob"),
        (
            json!({"propertyName": "annual_spend", "operator": "BETWEEN", "value": "6", "highValue": "500"}),
            "Bob Cid",
        ),
        (json!({"propertyName": "firstname", "operator": "IN", "values": ["ann", "cid"]}), "Ann Cid"),
        (json!({"propertyName": "firstname", "operator": "NOT_IN", "values": ["ann", "cid"]}), "Bob Dee"),
        // Lists are compared with text in lower case.
        (json!({"propertyName": "firstname", "operator": "IN", "values": ["Ann", "cid"]}), "Cid"),
        (json!({"propertyName": "phone", "operator": "HAS_PROPERTY"}), "Bob Dee"),
        (json!({"propertyName": "phone", "operator": "NOT_HAS_PROPERTY"}), "Ann Cid"),
        (filter("email", "CONTAINS_TOKEN", "*@example.org"), "Ann Cid"),
        (filter("email", "NOT_CONTAINS_TOKEN", "example.org"), "Bob"),
        (filter("email", "EQ", "cid@EXAMPLE.org"), "Cid"),
        (filter("lastmodifieddate", "GTE", &second), "Bob Cid Dee"),
        (filter("lastmodifieddate", "GT", "2026-01-05T00:00:01Z"), "Cid Dee"),
        (filter("date_of_birth_iso", "LT", "1991-06-01"), "Ann Bob"),
        (filter("hs_object_id", "GT", "101"), "Bob Cid Dee"),
        // Exists on contacts and stays empty: the classic silent nothing.
        (filter("hs_lastmodifieddate", "GTE", "0"), ""),
    ] {
        let body = json!({"filterGroups": [{"filters": [filter]}]});
        let got = bench.call("POST", SEARCH, body).await;
        assert_eq!((got.status, names(&got.body).as_str()), (200, expected), "{filter}");
        assert_eq!(got.body["total"], json!(got.len()));
    }
    let groups = json!({"filterGroups": [
        {"filters": [filter("lastname", "EQ", "alpha"), filter("annual_spend", "EQ", "5")]},
        {"filters": [filter("firstname", "EQ", "bob")]}]});
    assert_eq!(names(&bench.call("POST", SEARCH, groups).await.body), "Ann Bob");
    assert_eq!(names(&bench.call("POST", SEARCH, json!({"query": "example.org"})).await.body), "Ann Cid");
}

#[tokio::test]
async fn sorts_pages_and_refusals() {
    let bench = people().await;
    for (sorts, expected) in [
        (json!([]), "Ann Bob Cid Dee"),
        (json!(["-createdate"]), "Dee Cid Bob Ann"),
        (json!(["lastname"]), "Ann Dee Bob Cid"),
        (json!([{"propertyName": "annual_spend", "direction": "DESCENDING"}]), "Cid Bob Ann Dee"),
    ] {
        let got = bench.call("POST", SEARCH, json!({"sorts": sorts})).await;
        assert_eq!(names(&got.body), expected, "{sorts}");
    }
    let first = bench.call("POST", SEARCH, json!({"limit": 3})).await;
    assert_eq!(
        (first.len(), first.body["total"].clone(), first.at("/paging/next/after")),
        (3, json!(4), "3".to_owned())
    );
    assert!(first.body.pointer("/paging/next/link").is_none());
    let second = bench.call("POST", SEARCH, json!({"limit": 3, "after": "3", "properties": ["city"]})).await;
    assert_eq!(second.len(), 1);
    assert!(second.body.get("paging").is_none());
    let filter = json!({"propertyName": "email", "operator": "HAS_PROPERTY"});
    for body in [
        json!({"limit": 201}),
        json!({"limit": 0}),
        json!({"limit": 200, "after": "9801"}),
        json!({"sorts": ["email", "city"]}),
        json!({"filterGroups": vec![json!({"filters": [filter]}); 6]}),
        json!({"filterGroups": [{"filters": vec![filter.clone(); 7]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "nosuch", "operator": "HAS_PROPERTY"}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "a"}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "createdate", "operator": "GT", "value": "2020-11-15"}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ"}]}]}),
        json!({"query": "x".repeat(3000)}),
    ] {
        let got = bench.call("POST", SEARCH, body.clone()).await;
        assert_eq!((got.status, got.at("/category").as_str()), (400, "VALIDATION_ERROR"), "{body}");
    }
    assert_eq!(bench.call("POST", SEARCH, json!({"limit": 200, "after": "9800"})).await.status, 200);
}

#[tokio::test]
async fn the_index_lags_behind_the_records() {
    let bench = start(|options| options.search_lag = Duration::from_secs(30)).await;
    let find = async |word: &str| {
        let body = json!({"filterGroups": [{"filters": [{"propertyName": "city", "operator": "EQ", "value": word}]}]});
        bench.call("POST", SEARCH, body).await.len()
    };
    let id = bench.portal.create(&[("firstname", "A"), ("city", "one")]).unwrap();
    assert_eq!(find("one").await, 0);
    assert_eq!(bench.get("/crm/v3/objects/contacts").await.len(), 1);
    bench.clock.advance(30_000);
    assert_eq!(find("one").await, 1);
    bench.portal.set(&id, &[("city", "two")]).unwrap();
    bench.clock.advance(10_000);
    bench.portal.set(&id, &[("city", "three")]).unwrap();
    assert_eq!((find("one").await, find("two").await, find("three").await), (1, 0, 0));
    bench.clock.advance(20_000);
    assert_eq!((find("one").await, find("two").await, find("three").await), (0, 1, 0));
    bench.clock.advance(10_000);
    assert_eq!((find("two").await, find("three").await), (0, 1));
    bench.portal.archive(&id);
    assert_eq!(find("three").await, 1);
    bench.clock.advance(30_000);
    assert_eq!(find("three").await, 0);
}

#[tokio::test]
async fn properties_describe_themselves_and_custom_ones_come_and_go() {
    let bench = start(|_| {}).await;
    let all = bench.get("/crm/v3/properties/contacts").await;
    assert!(all.len() >= 45);
    let stage = bench.get("/crm/properties/2026-03/contacts/lifecyclestage").await;
    assert_eq!((stage.at("/type"), stage.at("/fieldType")), ("enumeration".to_owned(), "radio".to_owned()));
    assert_eq!(stage.at("/options/1/value"), "lead");
    assert_eq!(stage.body["modificationMetadata"]["readOnlyValue"], json!(false));
    let id = bench.get("/crm/v3/properties/0-1/hs_object_id").await;
    assert_eq!(id.body["modificationMetadata"]["readOnlyValue"], json!(true));
    assert_eq!(
        bench.get("/crm/v3/properties/contacts/hubspot_owner_id").await.at("/referencedObjectType"),
        "OWNER"
    );
    assert_eq!(bench.get("/crm/v3/properties/contacts/nosuch").await.status, 404);
    let path = "/crm/v3/properties/companies";
    let new = json!({"name": "erp_id", "label": "ERP", "type": "string", "fieldType": "text",
                     "groupName": "companyinformation", "hasUniqueValue": true});
    assert_eq!(bench.call("POST", path, new.clone()).await.status, 201);
    assert_eq!(bench.call("POST", path, new).await.status, 409);
    for bad in [
        json!({"name": "Bad Name", "type": "string", "fieldType": "text", "groupName": "companyinformation"}),
        json!({"name": "ok", "type": "words", "fieldType": "text", "groupName": "companyinformation"}),
        json!({"name": "ok", "type": "string", "fieldType": "text", "groupName": "nogroup"}),
    ] {
        assert_eq!(bench.call("POST", path, bad.clone()).await.status, 400, "{bad}");
    }
    let make = |id: &str| json!({"properties": {"name": "N", "erp_id": id}});
    assert_eq!(bench.call("POST", "/crm/v3/objects/companies", make("7")).await.status, 201);
    let taken = bench.call("POST", "/crm/v3/objects/companies", make("7")).await;
    assert_eq!((taken.status, taken.at("/errors/0/code").as_str()), (400, "CONFLICTING_UNIQUE_VALUE"));
    let changed = bench.call("PATCH", &format!("{path}/erp_id"), json!({"label": "Number"})).await;
    assert_eq!(changed.at("/label"), "Number");
    assert_eq!(bench.call("PATCH", &format!("{path}/name"), json!({"label": "X"})).await.status, 400);
    assert_eq!(bench.try_call("DELETE", &format!("{path}/erp_id"), None).await.unwrap().status, 204);
    assert_eq!(bench.get(&format!("{path}/erp_id")).await.status, 404);
    assert_eq!(bench.get(&format!("{path}?archived=true")).await.len(), 1);
    assert_eq!(bench.call("POST", "/crm/v3/objects/companies", make("8")).await.status, 400);
    let batch = bench
        .call(
            "POST",
            &format!("{path}/batch/read"),
            json!({"archived": false, "inputs": [{"name": "name"}, {"name": "nosuch"}]}),
        )
        .await;
    assert_eq!((batch.status, batch.len()), (207, 1));
}

#[tokio::test]
async fn links_are_read_with_records_and_in_batches() {
    let bench = start(|_| {}).await;
    let company = bench.portal.create_record(ObjectKind::Company, &[("name", "Acme")]).unwrap();
    let body = json!({"properties": {"firstname": "A"}, "associations": [
        {"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]});
    let contact = bench.call("POST", "/crm/v3/objects/contacts", body).await.at("/id");
    let read = bench.get(&format!("/crm/v3/objects/contacts/{contact}?associations=companies")).await;
    assert_eq!(read.at("/associations/companies/results/0/id"), company);
    assert_eq!(read.at("/associations/companies/results/0/type"), "contact_to_company");
    assert_eq!(read.at("/associations/companies/results/1/type"), "contact_to_company_unlabeled");
    for path in [
        "/crm/v4/associations/contacts/companies/batch/read",
        "/crm/associations/2026-03/contact/company/batch/read",
    ] {
        let got = bench.call("POST", path, json!({"inputs": [{"id": contact}, {"id": "9"}]})).await;
        assert_eq!((got.status, got.at("/results/0/from/id")), (207, contact.clone()), "{path}");
        assert_eq!(got.at("/results/0/to/0/toObjectId"), company);
        assert_eq!(got.body["results"][0]["to"][0]["associationTypes"][0]["typeId"], json!(1));
    }
    let other = bench.portal.create(&[("firstname", "B")]).unwrap();
    let put = format!("/crm/v4/objects/contacts/{other}/associations/default/companies/{company}");
    assert_eq!(bench.try_call("PUT", &put, None).await.unwrap().status, 200);
    let back = bench.get(&format!("/crm/v4/objects/companies/{company}/associations/contacts")).await;
    assert_eq!(back.len(), 2);
    let page = bench.get(&format!("/crm/v4/objects/companies/{company}/associations/contacts?limit=1")).await;
    assert_eq!((page.len(), page.at("/paging/next/after").as_str()), (1, "1"));
    let last = bench.get(page.at("/paging/next/link").strip_prefix(&bench.url).unwrap()).await;
    assert_eq!((last.len(), last.body.get("paging")), (1, None));
}

#[tokio::test]
async fn links_are_made_labelled_and_ended() {
    let bench = start(|_| {}).await;
    let man = bench.portal.create(&[("firstname", "A")]).unwrap();
    let firm = |name| bench.portal.create_record(ObjectKind::Company, &[("name", name)]).unwrap();
    let (one, two) = (firm("One"), firm("Two"));
    let linked = async || {
        let listed = bench.get(&format!("/crm/v4/objects/contacts/{man}/associations/companies")).await;
        let all = listed.body["results"].as_array().cloned().unwrap_or_default();
        let brief = |to: &Value| {
            format!(
                "{}{}",
                to["toObjectId"],
                ["", " primary"][to["associationTypes"].as_array().unwrap().len() - 1]
            )
        };
        all.iter().map(brief).collect::<Vec<_>>()
    };
    let types = |id: u32| json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}]);
    let path = |to: &str| format!("/crm/objects/2026-03/contacts/{man}/associations/companies/{to}");
    // to, type, status, what is linked then
    for (to, kind, status, expected) in [
        (one.as_str(), 279, 201, vec![format!("{one} primary")]),
        (two.as_str(), 279, 201, vec![format!("{one} primary"), two.clone()]),
        (two.as_str(), 1, 201, vec![format!("{two} primary"), one.clone()]),
        (two.as_str(), 280, 400, vec![format!("{two} primary"), one.clone()]),
        ("9", 279, 404, vec![format!("{two} primary"), one.clone()]),
    ] {
        let got = bench.call("PUT", &path(to), types(kind)).await;
        assert_eq!((got.status, linked().await), (status, expected), "{to} {kind} {}", got.text);
    }
    assert_eq!(bench.try_call("DELETE", &path(&two), None).await.unwrap().status, 204);
    assert_eq!(linked().await, [format!("{one} primary")]);
    let batch = "/crm/v4/associations/contacts/companies/batch";
    let input = json!({"inputs": [{"from": {"id": man}, "to": {"id": two}, "types": types(279)},
                                  {"from": {"id": man}, "to": {"id": "9"}, "types": types(279)}]});
    let made = bench.call("POST", &format!("{batch}/create"), input).await;
    assert_eq!((made.status, made.len(), made.at("/results/0/toObjectTypeId").as_str()), (207, 1, "0-2"));
    let input = json!({"inputs": [{"from": {"id": man}, "to": [{"id": one}, {"id": two}]}]});
    assert_eq!(bench.call("POST", &format!("{batch}/archive"), input).await.status, 204);
    assert!(linked().await.is_empty());
    assert_eq!(bench.get("/crm/v4/associations/contacts/companies/labels").await.len(), 2);
    assert_eq!(bench.get("/crm/v4/associations/contacts/contacts/labels").await.status, 400);
}

#[tokio::test]
async fn the_account_tells_about_itself() {
    let bench = start(|_| {}).await;
    assert_eq!(bench.get("/account-info/v3/details").await.at("/portalId"), "24680");
    let usage = bench.get("/account-info/v3/api-usage/daily/private-apps").await;
    assert_eq!(
        (usage.at("/results/0/currentUsage"), usage.at("/results/0/resetsAt")),
        ("2".to_owned(), "2026-01-06T00:00:00.000Z".to_owned())
    );
    assert_eq!(bench.get("/crm/v3/owners/").await.len(), 3);
    let found = bench.get("/crm/v3/owners?email=KENJI%40example.com").await;
    assert_eq!(found.ids(), ["78"]);
    assert_eq!(bench.get("/crm/owners/2026-03/78").await.at("/firstName"), "Kenji");
    assert_eq!(bench.get("/crm/v3/owners/1").await.status, 404);
}
