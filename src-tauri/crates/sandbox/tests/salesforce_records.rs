//! Records, one by one and in collections, and what the org refuses.

mod common;
mod salesforce_bench;

use common::read;
use salesforce_bench::{Answered as _, Bench, DATA, start};
use serde_json::{Value, json};

async fn org() -> Bench {
    start(|options| options.records = 60).await
}

#[tokio::test]
async fn one_record() {
    let bench = org().await;
    let made = bench.call("POST", "/sobjects/User/", bench.person("crud")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.at("/id");
    assert!(made.header("location").ends_with(&format!("/sobjects/User/{id}")));
    let read = bench.get(&format!("/sobjects/user/{}?fields=Name,UserType,IsActive", &id[..15])).await;
    assert_eq!(
        read.body,
        json!({"attributes": {"type": "User", "url": format!("/services/data/v66.0/sobjects/User/{id}")},
               "Name": "crud", "UserType": "Standard", "IsActive": true, "Id": id})
    );
    assert_eq!(read.header("content-type"), "application/json;charset=utf-8");
    assert!(read.header("sforce-limit-info").starts_with("api-usage=2/"));
    let path = format!("/sobjects/User/{id}");
    let changed = bench.call("PATCH", &path, json!({"FirstName": "  Ann ", "City": "Here"})).await;
    assert_eq!((changed.status, changed.text.as_str()), (204, ""));
    let by_post = format!("{path}?_HTTP_METHOD=PATCH");
    assert_eq!(bench.call("POST", &by_post, json!({"Country": "There"})).await.status, 204);
    let read = bench.get(&path).await;
    assert_eq!(read.at("/Name"), "Ann crud");
    assert_eq!((read.at("/Address/city"), read.at("/Address/country")), ("Here".into(), "There".into()));
    assert_eq!(bench.call("DELETE", &path, Value::Null).await.code(), "INVALID_TYPE_FOR_OPERATION");
    assert_eq!(bench.call("PUT", &path, Value::Null).await.status, 405);
    assert_eq!(bench.get("/sobjects/Nope/1").await.status, 404);
    assert_eq!(bench.get("/sobjects/User/005000000000000").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn what_is_refused() {
    let bench = org().await;
    let with = |name: &str, field: &str, value: Value| {
        let mut person = bench.person(name);
        person[field] = value;
        person
    };
    assert_eq!(bench.call("POST", "/sobjects/User", bench.person("first")).await.status, 201);
    for (body, code, field) in [
        (with("a", "Username", "FIRST@rs.example.com".into()), "DUPLICATE_USERNAME", "Username"),
        (with("b", "Username", "taken@elsewhere.example.com".into()), "DUPLICATE_USERNAME", "Username"),
        (with("c", "Username", "nobody".into()), "INVALID_EMAIL_ADDRESS", "Username"),
        (with("d", "CommunityNickname", "First".into()), "DUPLICATE_COMM_NICKNAME", "CommunityNickname"),
        (with("e", "Alias", "far too long".into()), "STRING_TOO_LONG", "Alias"),
        (
            with("f", "EmailEncodingKey", "utf8".into()),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "EmailEncodingKey",
        ),
        (with("g", "Email", "x@y".into()), "INVALID_EMAIL_ADDRESS", "Email"),
        (with("h", "ManagerId", "005Sb0000zzzzzz".into()), "INVALID_CROSS_REFERENCE_KEY", "ManagerId"),
        (with("i", "ManagerId", bench.profile().into()), "MALFORMED_ID", "ManagerId"),
        (
            with("j", "CreatedDate", "2020-01-01T00:00:00Z".into()),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "CreatedDate",
        ),
        (with("k", "LastName", Value::Null), "REQUIRED_FIELD_MISSING", "LastName"),
        (with("l", "IsActive", "yes".into()), "JSON_PARSER_ERROR", ""),
        (with("m", "Colour", "red".into()), "INVALID_FIELD", ""),
        (with("n", "Id", "x".into()), "INVALID_FIELD", "Id"),
        (json!([]), "JSON_PARSER_ERROR", ""),
    ] {
        let got = bench.call("POST", "/sobjects/User", body).await;
        assert_eq!(
            (got.status, got.code().as_str(), got.at("/0/fields/0").as_str()),
            (400, code, field),
            "{}",
            got.text
        );
    }
    assert_eq!(bench.org.writes().len(), 1);
    let own = bench.org.find("User", "Username", "integration@sandbox.example.com").unwrap().id;
    let got = bench.call("PATCH", &format!("/sobjects/User/{own}"), json!({"IsActive": false})).await;
    assert_eq!(got.code(), "FIELD_INTEGRITY_EXCEPTION");
    let login = bench.org.records("UserLogin")[3].id.clone();
    let path = format!("/sobjects/UserLogin/{login}");
    assert_eq!(
        bench.call("PATCH", &path, json!({"IsPasswordLocked": true})).await.code(),
        "FIELD_INTEGRITY_EXCEPTION"
    );
    assert_eq!(bench.call("PATCH", &path, json!({"IsFrozen": true})).await.status, 204);
    let lead =
        bench.org.create("Lead", &[("LastName", "L"), ("Company", "C"), ("IsConverted", "true")]).unwrap();
    let got = bench.call("PATCH", &format!("/sobjects/Lead/{lead}"), json!({"Title": "x"})).await;
    assert_eq!(got.code(), "CANNOT_UPDATE_CONVERTED_LEAD");
}

#[tokio::test]
async fn licenses_run_out() {
    let bench = start(|options| options.licenses = 3).await;
    let make = async |name: &str| bench.call("POST", "/sobjects/User", bench.person(name)).await;
    // The integration user and the automated process hold two already.
    assert_eq!(make("third").await.status, 201);
    assert_eq!(make("fourth").await.code(), "LICENSE_LIMIT_EXCEEDED");
    let third = bench.org.find("User", "Username", "third@rs.example.com").unwrap().id;
    let path = format!("/sobjects/User/{third}");
    assert_eq!(bench.call("PATCH", &path, json!({"IsActive": false})).await.status, 204);
    assert_eq!(make("fourth").await.status, 201);
    assert_eq!(bench.call("PATCH", &path, json!({"IsActive": true})).await.code(), "LICENSE_LIMIT_EXCEEDED");
    assert_eq!(bench.call("PATCH", &path, json!({"Title": "still fine"})).await.status, 204);
}

#[tokio::test]
async fn upserts() {
    let bench = org().await;
    let path = "/sobjects/Contact/External_Id__c/a+b%2Fc";
    for (body, status, created) in [
        (json!({"LastName": "New"}), 201, "true"),
        (json!({"Title": "Boss"}), 200, "false"),
        (json!({"External_Id__c": "x"}), 400, ""),
        (json!({"Id": "x"}), 400, ""),
    ] {
        let got = bench.call("PATCH", path, body).await;
        assert_eq!((got.status, got.at("/created").as_str()), (status, created), "{}", got.text);
    }
    let found = bench.org.find("Contact", "External_Id__c", "A+B/C").unwrap();
    assert_eq!(found.fields["Title"], "Boss");
    // Before version 46 an update has no body.
    let old = "/services/data/v45.0/sobjects/Contact/External_Id__c/a+b%2Fc";
    let got = bench.call("PATCH", old, json!({"Title": "CEO"})).await;
    assert_eq!((got.status, got.text.as_str()), (204, ""));
    for legacy in ["One", "Two"] {
        bench.org.create("Contact", &[("LastName", legacy), ("Legacy_Id__c", "same")]).unwrap();
    }
    let several = bench.call("PATCH", "/sobjects/Contact/Legacy_Id__c/same", json!({"Title": "x"})).await;
    assert_eq!((several.status, several.body.as_array().unwrap().len()), (300, 2));
    assert_eq!(bench.call("PATCH", "/sobjects/Contact/Title/x", json!({})).await.status, 404);
    let user = "/sobjects/User/Username/new@rs.example.com";
    let mut person = bench.person("new");
    person.as_object_mut().unwrap().remove("Username");
    assert_eq!(bench.call("PATCH", user, person).await.status, 201);
}

#[tokio::test]
async fn conditions_on_time() {
    let bench = org().await;
    let id = bench.org.create("Contact", &[("LastName", "Timely")]).unwrap();
    let path = format!("/sobjects/Contact/{id}");
    let modified = bench.get(&path).await.header("last-modified").to_owned();
    assert_eq!(modified, "Mon, 05 Jan 2026 00:00:00 GMT");
    let conditional = async |method: &str, name: &str, value: &str| {
        let request = bench.request(method, &path).header(name, value);
        let request = if method == "PATCH" { request.json(&json!({"Title": "x"})) } else { request };
        read(request).await.unwrap().status
    };
    assert_eq!(conditional("GET", "if-modified-since", &modified).await, 304);
    assert_eq!(conditional("GET", "if-modified-since", "soon").await, 400);
    assert_eq!(conditional("PATCH", "if-unmodified-since", &modified).await, 204);
    bench.clock.advance(5_000);
    bench.org.set("Contact", &id, &[("Title", "y")]).unwrap();
    assert_eq!(conditional("GET", "if-modified-since", &modified).await, 200);
    assert_eq!(conditional("PATCH", "if-unmodified-since", &modified).await, 412);
    let described = bench.get("/sobjects/User/describe").await;
    let since = described.header("last-modified");
    let again = bench.request("GET", "/sobjects/User/describe").header("if-modified-since", since);
    assert_eq!(read(again).await.unwrap().status, 304);
}

#[tokio::test]
async fn collections() {
    let bench = org().await;
    let record = |name: &str, fields: Value| {
        let mut record = fields;
        record["attributes"] = json!({"type": name});
        record
    };
    let send = async |method: &str, path: &str, all: bool, records: Vec<Value>| {
        bench.call(method, path, json!({"allOrNone": all, "records": records})).await
    };
    let account = |at: usize| record("Account", json!({"Name": format!("Firm {at}")}));
    let made = send("POST", "/composite/sobjects", false, (0..200).map(account).collect()).await;
    assert_eq!((made.status, made.body.as_array().unwrap().len()), (200, 200));
    let many = send("POST", "/composite/sobjects", false, (0..201).map(account).collect()).await;
    assert_eq!(many.status, 400);
    let id = made.at("/0/id");
    let got = send(
        "PATCH",
        "/composite/sobjects",
        false,
        vec![
            record("Account", json!({"id": id, "Industry": "Energy"})),
            record("Account", json!({"Id": "001Sb0000zzzzzz", "Industry": "Energy"})),
            record("Account", json!({"Industry": "Energy"})),
            record("User", json!({"id": "005", "Title": "x"})),
        ],
    )
    .await;
    assert_eq!(got.at("/0/success"), "true");
    assert_eq!(got.at("/1/errors/0/statusCode"), "INVALID_CROSS_REFERENCE_KEY");
    assert_eq!(got.at("/2/errors/0/statusCode"), "MISSING_ARGUMENT");
    assert_eq!(got.at("/3/errors/0/statusCode"), "MIXED_DML_OPERATION");
    // A field that nobody knows refuses the whole call before any record is written.
    let got = send(
        "PATCH",
        "/composite/sobjects",
        false,
        vec![
            record("Account", json!({"id": id, "Industry": "Banking"})),
            record("Account", json!({"id": id, "Colour": "red"})),
        ],
    )
    .await;
    assert_eq!((got.status, got.code().as_str()), (400, "INVALID_FIELD"));
    assert_eq!(bench.org.record("Account", &id).unwrap().fields["Industry"], "Energy");
    let got = send(
        "PATCH",
        "/composite/sobjects",
        true,
        vec![
            record("Account", json!({"id": id, "Industry": "Banking"})),
            record("Account", json!({"id": id, "Phone": "9".repeat(50)})),
        ],
    )
    .await;
    assert_eq!(got.status, 200);
    assert_eq!(got.at("/0/errors/0/statusCode"), "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(bench.org.record("Account", &id).unwrap().fields["Industry"], "Energy");
    let keyed = |key: &str| record("Account", json!({"External_Id__c": key, "Name": key}));
    let path = "/composite/sobjects/Account/External_Id__c";
    for created in ["true", "false"] {
        let got = send("PATCH", path, false, vec![keyed("k1"), keyed("k2")]).await;
        assert_eq!((got.at("/0/created").as_str(), got.at("/1/created").as_str()), (created, created));
    }
    let names =
        bench.get(&format!("/composite/sobjects/Account?ids={id},001000000000000AAA&fields=Name")).await;
    assert_eq!((names.at("/0/Name").as_str(), &names.body[1]), ("Firm 0", &Value::Null));
    let names =
        bench.call("POST", "/composite/sobjects/Account", json!({"ids": [id], "fields": ["Name"]})).await;
    assert_eq!(names.at("/0/Name"), "Firm 0");
    let other = made.at("/1/id");
    let gone = bench.call("DELETE", &format!("/composite/sobjects?ids={id},{other},{id}"), Value::Null).await;
    assert_eq!(gone.at("/1/success"), "true");
    assert_eq!(gone.at("/2/errors/0/statusCode"), "ENTITY_IS_DELETED");
    let user = bench.org.records("User")[0].id.clone();
    let gone = bench.call("DELETE", &format!("/composite/sobjects?ids={user}"), Value::Null).await;
    assert_eq!(gone.at("/0/errors/0/statusCode"), "INVALID_TYPE_FOR_OPERATION");
}

#[tokio::test]
async fn describe_is_complete() {
    let bench = org().await;
    let global = bench.get("/sobjects").await;
    for object in global.body["sobjects"].as_array().unwrap() {
        let name = object["name"].as_str().unwrap();
        let told = bench.get(&format!("/sobjects/{name}/describe/")).await;
        for field in told.body["fields"].as_array().unwrap() {
            if !field["referenceTo"].as_array().unwrap().is_empty() {
                assert_eq!(field["type"], "reference", "{name} {field}");
            }
            assert_eq!(field["type"] == "picklist", !field["picklistValues"].as_array().unwrap().is_empty());
        }
        // Every described field can be asked for.
        let names: Vec<&str> = told.body["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .collect();
        let soql = format!("SELECT {} FROM {name} LIMIT 5", names.join(", "));
        assert_eq!(bench.query(&soql).await.status, 200, "{soql}");
    }
}

#[tokio::test]
async fn several_calls_in_one() {
    let bench = org().await;
    let calls = bench.org.call_count();
    let create = |id: &str, kind: &str, body: Value| json!({"method": "POST", "url": format!("{DATA}/sobjects/{kind}"), "referenceId": id, "body": body});
    let send = async |all: bool, parts: Vec<Value>| {
        bench.call("POST", "/composite", json!({"allOrNone": all, "compositeRequest": parts})).await
    };
    // A later part uses what an earlier one answered, in its address and in its body.
    let got = send(
        false,
        vec![
            create("firm", "Account", json!({"Name": "Together"})),
            create("person", "Contact", json!({"LastName": "Kim", "AccountId": "@{firm.id}"})),
            json!({"method": "GET", "url": format!("{DATA}/sobjects/Contact/@{{person.id}}?fields=AccountId"), "referenceId": "read"}),
            json!({"method": "GET", "url": format!("{DATA}/query?q=SELECT+Name+FROM+Account+WHERE+Id='@{{firm.id}}'"), "referenceId": "asked"}),
            create("after", "Contact", json!({"LastName": "@{asked.records[0].Name}"})),
            create("wrong", "Contact", json!({"LastName": "x", "AccountId": "@{nobody.id}"})),
        ],
    )
    .await;
    let all =
        |name: &str| (0..6).map(|at| got.at(&format!("/compositeResponse/{at}/{name}"))).collect::<Vec<_>>();
    assert_eq!(all("httpStatusCode"), ["201", "201", "200", "200", "201", "400"], "{}", got.text);
    assert_eq!(got.at("/compositeResponse/2/body/AccountId"), got.at("/compositeResponse/0/body/id"));
    assert_eq!(got.at("/compositeResponse/5/body/0/errorCode"), "PROCESSING_HALTED");
    assert!(got.at("/compositeResponse/0/httpHeaders/Location").contains("/sobjects/Account/"));
    assert!(bench.org.find("Contact", "LastName", "Together").is_some());
    assert_eq!(bench.org.call_count() - calls, 1, "all of it is one call");

    // All or nothing, collections inside of it included.
    let before = bench.org.count("Account");
    let got = send(
        true,
        vec![
            create("one", "Account", json!({"Name": "One"})),
            json!({"method": "POST", "url": format!("{DATA}/composite/sobjects"), "referenceId": "two",
                   "body": {"allOrNone": true, "records": [{"attributes": {"type": "Account"}, "Name": "Two"}]}}),
            create("three", "Account", json!({"Name": "x".repeat(300)})),
            create("four", "Account", json!({"Name": "Four"})),
        ],
    )
    .await;
    let codes: Vec<String> =
        (0..4).map(|at| got.at(&format!("/compositeResponse/{at}/body/0/errorCode"))).collect();
    assert_eq!(codes, ["PROCESSING_HALTED", "PROCESSING_HALTED", "STRING_TOO_LONG", "PROCESSING_HALTED"]);
    assert_eq!(bench.org.count("Account"), before);

    // Graphs stand for themselves.
    let graph = |id: &str, parts: Vec<Value>| json!({"graphId": id, "compositeRequest": parts});
    let got = bench
        .call(
            "POST",
            "/composite/graph",
            json!({"graphs": [
                graph("good", vec![create("a", "Account", json!({"Name": "Good"})), create("b", "Contact", json!({"LastName": "Good", "AccountId": "@{a.id}"}))]),
                graph("bad", vec![create("a", "Account", json!({"Name": "Bad"})), create("b", "Contact", json!({}))]),
            ]}),
        )
        .await;
    assert_eq!(
        (got.at("/graphs/0/isSuccessful"), got.at("/graphs/1/isSuccessful")),
        ("true".into(), "false".into())
    );
    assert_eq!(
        got.at("/graphs/1/graphResponse/compositeResponse/1/body/0/errorCode"),
        "REQUIRED_FIELD_MISSING"
    );
    assert!(
        bench.org.find("Account", "Name", "Good").is_some()
            && bench.org.find("Account", "Name", "Bad").is_none()
    );

    // A batch goes on after an error, unless it is told to halt.
    let parts = json!([
        {"method": "GET", "url": "v66.0/sobjects/Account/001000000000000AAA"},
        {"method": "POST", "url": "v66.0/sobjects/Account", "richInput": {"Name": "Batched"}},
        {"method": "GET", "url": "v66.0/limits"},
    ]);
    for (halt, codes) in [(false, ["404", "201", "200"]), (true, ["404", "412", "412"])] {
        let got = bench
            .call("POST", "/composite/batch", json!({"haltOnError": halt, "batchRequests": parts}))
            .await;
        let found: Vec<String> = (0..3).map(|at| got.at(&format!("/results/{at}/statusCode"))).collect();
        assert_eq!((got.at("/hasErrors").as_str(), found), ("true", codes.map(str::to_owned).to_vec()));
    }
    for (path, body) in [
        (
            "/composite",
            json!({"compositeRequest": (0..26).map(|at| create(&format!("r{at}"), "Account", json!({}))).collect::<Vec<_>>()}),
        ),
        (
            "/composite",
            json!({"compositeRequest": [create("same", "Account", json!({})), create("same", "Account", json!({}))]}),
        ),
        (
            "/composite/batch",
            json!({"batchRequests": vec![json!({"method": "GET", "url": "v66.0/limits"}); 26]}),
        ),
        ("/composite/graph", json!({})),
    ] {
        assert_eq!(bench.call("POST", path, body).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn trees() {
    let bench = org().await;
    let node = |id: &str, kind: &str, mut fields: Value| {
        fields["attributes"] = json!({"type": kind, "referenceId": id});
        fields
    };
    let people = json!({"records": [
        node("p1", "Contact", json!({"LastName": "First"})), node("p2", "Contact", json!({"LastName": "Second"})),
    ]});
    let got = bench
        .call("POST", "/composite/tree/Account", json!({"records": [
            node("f1", "Account", json!({"Name": "Tree", "Contacts": people})), node("f2", "Account", json!({"Name": "Alone"})),
        ]}))
        .await;
    assert_eq!((got.status, got.at("/hasErrors").as_str()), (201, "false"), "{}", got.text);
    let references: Vec<String> = (0..4).map(|at| got.at(&format!("/results/{at}/referenceId"))).collect();
    assert_eq!(references, ["f1", "p1", "p2", "f2"]);
    let second = bench.org.record("Contact", &got.at("/results/2/id")).unwrap();
    assert_eq!(second.fields["AccountId"], got.at("/results/0/id"));
    let before = bench.org.count("Account");
    let got = bench
        .call("POST", "/composite/tree/Account/", json!({"records": [
            node("f1", "Account", json!({"Name": "Fine"})), node("f2", "Account", json!({"Industry": "No name"})),
        ]}))
        .await;
    assert_eq!((got.status, got.at("/results/0/referenceId").as_str()), (400, "f2"), "{}", got.text);
    assert_eq!(got.at("/results/0/errors/0/statusCode"), "REQUIRED_FIELD_MISSING");
    assert_eq!(bench.org.count("Account"), before, "all or nothing");
}
