//! Tokens stay where they were configured for: whatever a server answers, no call goes to another one, and no list that leads
//! back to its own pages is followed for ever.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use connector::credentials::memory::MemoryCredentials;
use connector::hubspot::Hubspot;
use connector::salesforce::Salesforce;
use connector::scim::Scim;
use connector::{Change, Connector, ConnectorError, Creation, ErrorKind, Feed, Search, Tokens};
use futures::StreamExt as _;
use jiff::Timestamp;
use model::{ConnectorConfig, Secret};
use serde_json::{Value, json};

use self::support::{Impatient, Reply, Request, Script, all, attributes};

const TOKEN: &str = "test-token-1";

/// The connectors, each with an object type, an attribute and an id of its own.
const SYSTEMS: [(&str, &str, &str, &str); 3] = [
    ("hubspot", "contact", "email", "101"),
    ("salesforce", "Contact", "LastName", "003000000000001AAA"),
    ("scim", "User", "userName", "101"),
];

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn config(name: &str, properties: Value) -> ConnectorConfig {
    let document = json!({"connectorRef": {"connectorName": name}, "configurationProperties": properties});
    ConnectorConfig::parse(&document.to_string(), Some("crm")).unwrap()
}

fn connector(system: &str, url: &str) -> Box<dyn Connector> {
    let credentials = Arc::new(MemoryCredentials::with_access_token(TOKEN).set("authToken", TOKEN));
    let (clock, waiter) = (Arc::new(now), Arc::<Impatient>::default());
    match system {
        "hubspot" => {
            let config = config("HubspotConnector", json!({"apiBaseUrl": url, "permitsPerSecond": 1000}));
            Box::new(Hubspot::new(&config, credentials, clock, waiter).unwrap())
        }
        "salesforce" => {
            let properties = json!({
                "instanceUrl": url, "loginUrl": url, "permitsPerSecond": 1000, "supportedObjectTypes": ["Contact"],
            });
            let config = config("org.forgerock.openidm.salesforce", properties);
            Box::new(Salesforce::new(&config, credentials, clock, waiter).unwrap())
        }
        _ => {
            let properties = json!({"SCIMEndpoint": format!("{url}/scim/v2"), "permitsPerSecond": 1000});
            let config = config("org.forgerock.openicf.connectors.scim.ScimConnector", properties);
            Box::new(Scim::new(&config, credentials, clock, waiter).unwrap())
        }
    }
}

/// Everything that a connector does, once; what comes of it is another test's.
async fn everything(connector: &dyn Connector, kind: &str, attribute: &str, uid: &str) {
    let _ = connector.test().await;
    let _ = connector.schema(kind).await;
    let (wanted, uids) = (vec![attribute.to_owned()], vec![uid.to_owned()]);
    let search = Search { object_type: kind.into(), attributes: wanted.clone(), ..Search::default() };
    let mut pages = connector.search(search);
    while let Some(Ok(_)) = pages.next().await {}
    for since in [None, Some("2026-09-21T14:00:00Z;2026-09-21T14:00:00Z"), Some("2026-09-21T14:00:00Z")] {
        let feed =
            Feed { object_type: kind.into(), attributes: wanted.clone(), since: since.map(str::to_owned) };
        let mut changes = connector.changes(feed);
        while let Some(Ok(_)) = changes.next().await {}
    }
    let _ = connector.read(kind, &uids, &wanted).await;
    let _ = connector.find_by_key(kind, &["a@example.org".to_owned()], &wanted).await;
    let _ = connector.moved(kind, &uids).await;
    let values = attributes(json!({attribute: "a@example.org"}));
    connector.create(kind, &[Creation { trace: "t".into(), attributes: values.clone() }]).await;
    connector.update(kind, &[Change { uid: uid.to_owned(), attributes: values }]).await;
    connector.delete(kind, &uids).await;
    let _ = connector.revoke().await;
}

/// That the server was asked with the token, so that a stranger without calls proves something.
fn was_asked(home: &Script) {
    let with_token = |request: &Request| {
        request.header("authorization").is_some_and(|value| value == format!("Bearer {TOKEN}"))
    };
    assert!(home.requests().iter().any(with_token), "no call took the token along");
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for (system, kind, attribute, uid) in SYSTEMS {
        for status in [300, 301, 302, 303, 307, 308] {
            let stranger = Script::answering(|_| Reply::json(200, json!({}))).await;
            let target = format!("{}/elsewhere", stranger.url);
            let home =
                Script::answering(move |_| Reply::json(status, json!({})).with("location", &target)).await;
            everything(connector(system, &home.url).as_ref(), kind, attribute, uid).await;
            was_asked(&home);
            assert!(stranger.requests().is_empty(), "{system} {status}: {:?}", stranger.requests());
        }
    }
}

/// Answers in the shapes of each system, with an address of somebody else wherever there is room for one.
fn leading_away(system: &str, request: &Request, away: &str) -> Value {
    let path = request.target.split('?').next().unwrap_or_default();
    let scim = |resources: Value| json!({"totalResults": 1, "Resources": resources, "nextCursor": format!("{away}/next"), "next": away});
    match system {
        "hubspot" => json!({
            "id": "101", "portalId": 1, "timeZone": away, "url": away,
            "results": [{"id": "101", "properties": {"email": "a@example.org"}, "url": away}],
            "paging": {"next": {"after": away, "link": format!("{away}/crm/v3/objects/contacts")}},
            "links": {"self": away, "knowledge-base": away},
        }),
        "salesforce" if path.ends_with("/describe") => json!({
            "name": "Contact", "createable": true, "updateable": true, "deletable": true,
            "urls": {"sobject": format!("{away}/services/data/v62.0/sobjects/Contact")},
            "fields": [{"name": "Id", "type": "id"}, {"name": "LastName", "type": "string", "createable": true, "updateable": true}],
        }),
        "salesforce" => json!({
            "id": format!("{away}/id/1/2"), "state": "JobComplete", "instance_url": away, "urls": {"rest": away},
            "totalSize": 90_000, "done": false,
            "nextRecordsUrl": format!("{away}/services/data/v62.0/query/01g-2000"),
            "records": [{"attributes": {"url": away}, "Id": "003000000000001AAA", "LastName": "Lee"}],
            "resultPages": [{"resultUrl": format!("{away}/services/data/v62.0/jobs/query/1/results")}],
            "contentUrl": format!("{away}/services/data/v62.0/jobs/ingest/1/batches"),
        }),
        _ if path.ends_with("/ServiceProviderConfig") => json!({
            "patch": {"supported": true}, "filter": {"supported": true}, "pagination": {"cursor": true},
            "documentationUri": away, "meta": {"location": away},
        }),
        _ if path.ends_with("/ResourceTypes") => scim(json!([
            {"name": "User", "endpoint": format!("{away}/scim/v2/Users"), "schema": format!("{away}/schema")},
        ])),
        _ if path.ends_with("/Schemas") => {
            scim(json!([{"id": format!("{away}/schema"), "attributes": [{"name": "userName"}]}]))
        }
        _ if path.ends_with("/Users") && request.method == "GET" => {
            scim(json!([{"id": "101", "userName": "ann", "meta": {"location": format!("{away}/Users/101")}}]))
        }
        _ => {
            json!({"id": "101", "userName": "ann", "meta": {"location": format!("{away}/Users/101"), "version": "W/\"1\""}})
        }
    }
}

#[tokio::test]
async fn no_link_in_an_answer_leads_a_call_elsewhere() {
    for (system, kind, attribute, uid) in SYSTEMS {
        let stranger = Script::answering(|_| Reply::json(200, json!({}))).await;
        let away = stranger.url.clone();
        let home = Script::answering(move |request| {
            Reply::json(200, leading_away(system, request, &away))
                .with("location", &format!("{away}/Users/101"))
                .with("link", &format!("<{away}/next>; rel=\"next\""))
                .with("content-location", &away)
        })
        .await;
        everything(connector(system, &home.url).as_ref(), kind, attribute, uid).await;
        was_asked(&home);
        assert!(home.requests().len() > 5, "{system}: {:?}", home.requests().len());
        assert!(stranger.requests().is_empty(), "{system}: {:?}", stranger.requests());
    }
}

#[tokio::test]
async fn a_token_answer_sends_no_call_to_a_stranger() {
    for stranger in [
        "https://collector.invalid",
        "https://a.salesforce.com.collector.invalid",
        "http://[::2]:1",
        "file:///x",
    ] {
        let over = MemoryCredentials::new().set("clientSecret", "test-secret-1").set_tokens(Tokens {
            access_token: Secret::new(TOKEN),
            refresh_token: Some(Secret::new("test-refresh-1")),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            instance_url: None,
        });
        let home = Script::answering(move |_| {
            Reply::json(
                200,
                json!({"access_token": "test-renewed-1", "token_type": "Bearer", "instance_url": stranger}),
            )
        })
        .await;
        let properties =
            json!({"loginUrl": home.url, "clientId": "app", "supportedObjectTypes": ["Contact"]});
        let config = config("org.forgerock.openidm.salesforce", properties);
        let (clock, waiter) = (Arc::new(now), Arc::<Impatient>::default());
        let salesforce = Salesforce::new(&config, Arc::new(over), clock, waiter).unwrap();
        let error: ConnectorError = salesforce.schema("Contact").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Untrusted, "{stranger}: {error}");
        assert!(error.message.contains("instanceUrl"), "{error}");
        let targets: Vec<String> = home.requests().iter().map(Request::line).collect();
        assert_eq!(targets, ["POST /services/oauth2/token"], "{stranger}");
    }
}

#[tokio::test]
async fn records_of_another_type_are_not_taken_for_those_asked_for() {
    let home = Script::answering(|request| {
        let record = json!({"attributes": {"type": "Profile"}, "Id": "003000000000001AAA", "LastName": "Admin",
            "SystemModstamp": "2026-09-21T14:05:00.000+0000"});
        Reply::json(
            200,
            if request.target.contains("composite/sobjects") {
                json!([record])
            } else {
                json!({"totalSize": 1, "done": true, "records": [record]})
            },
        )
    })
    .await;
    let salesforce = connector("salesforce", &home.url);
    let wanted = ["LastName".to_owned()];
    let search = Search { object_type: "Contact".into(), attributes: wanted.to_vec(), ..Search::default() };
    let listed = all(salesforce.as_ref(), search).await.map(|listed| listed.objects);
    let read = salesforce.read("Contact", &["003000000000001AAA".to_owned()], &wanted).await;
    let found = salesforce.find_by_key("Contact", &["Admin".to_owned()], &wanted).await;
    for result in [listed, read, found] {
        let error = result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
        assert!(error.message.contains("of type Profile"), "{error}");
    }
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_comes_to_an_end() {
    let page = json!({
        "totalSize": 1_000_000, "done": false, "nextRecordsUrl": "/services/data/v62.0/query/01g-2000",
        "records": [{"Id": "003000000000001AAA", "LastName": "Lee", "SystemModstamp": "2026-09-21T14:05:00.000+0000"}],
        "deletedRecords": [], "latestDateCovered": "2026-09-21T14:13:00.000+0000",
    });
    let home = Script::answering(move |_| Reply::json(200, page.clone())).await;
    let salesforce = connector("salesforce", &home.url);
    let feed = Feed {
        object_type: "Contact".into(),
        attributes: vec!["LastName".into()],
        since: Some("2026-09-21T14:00:00Z;2026-09-21T14:00:00Z".into()),
    };
    let ends: Vec<_> = salesforce.changes(feed).collect().await;
    assert!(ends.last().unwrap().is_err());
    let found = salesforce.find_by_key("Contact", &["Lee".to_owned()], &["LastName".to_owned()]).await;
    assert_eq!(found.err().map(|error| error.kind), Some(ErrorKind::Untrusted));
    assert!(home.requests().len() < 20, "{}", home.requests().len());
}
