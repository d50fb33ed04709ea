//! SOQL over the wire: what is found, how pages go on, and bulk query and ingest.
// A broken set-up may end the test, in the helpers too.
#![allow(clippy::unwrap_used)]

mod common;
mod salesforce_bench;

use std::collections::HashSet;

use common::read;
use salesforce_bench::{Answered as _, Bench, DATA, start};
use sandbox::salesforce::{CursorFault, Faults, JobFault, PageFault};
use serde_json::{Value, json};

async fn org() -> Bench {
    let bench = start(|_| {}).await;
    for (first, last, title, email) in [
        ("Ann", "O'Brien", "Boss", "ann@example.org"),
        ("bob", "Back\\slash", "", "BOB@example.org"),
        ("Zoë", "100% sure", "Clerk_1", "zoe@example.net"),
        ("", "Single", "", ""),
    ] {
        let values = [("FirstName", first), ("LastName", last), ("Title", title), ("Email", email)];
        bench.org.create("Contact", &values).unwrap();
        bench.clock.advance(60_000);
    }
    bench
}

#[tokio::test]
async fn conditions() {
    let bench = org().await;
    for (condition, expected) in [
        ("FirstName = 'ANN'", "Ann"),
        (r"LastName = 'O\'Brien'", "Ann"),
        (r"LastName = 'Back\\slash'", "bob"),
        (r"LastName LIKE '100\% %'", "Zoë"),
        (r"Title LIKE 'clerk\_%'", "Zoë"),
        ("Title LIKE '%o%'", "Ann"),
        ("Title = null", "bob,"),
        ("Title != null", "Ann,Zoë"),
        ("Title != 'Boss'", "bob,Zoë,"),
        ("Title = ''", "bob,"),
        ("FirstName IN ('Ann', 'Bob')", "Ann,bob"),
        ("FirstName NOT IN ('Ann', 'Bob')", "Zoë,"),
        ("NOT FirstName = 'Ann'", "bob,Zoë,"),
        ("(FirstName = 'Ann' OR FirstName = 'bob') AND Email LIKE 'b%'", "bob"),
        ("FirstName > 'b'", "bob,Zoë"),
        ("CreatedDate < 2026-01-05T00:01:00Z", "Ann"),
        ("CreatedDate >= 2026-01-05T01:02:00+01:00", "Zoë,"),
        ("CreatedDate = TODAY AND HasOptedOutOfEmail = false", "Ann,bob,Zoë,"),
        ("CreatedDate = LAST_N_DAYS:1 AND DoNotCall != false", "-"),
        ("Owner.Username LIKE 'integration@%' AND Name = 'Single'", ""),
        ("Account.Name = 'none'", "-"),
        ("Id IN (SELECT Id FROM Contact WHERE FirstName = 'Ann')", "Ann"),
    ] {
        let soql = format!("SELECT FirstName FROM Contact WHERE {condition}");
        let found = bench.column(&soql, "FirstName").await;
        let expected: Vec<&str> = if expected == "-" { Vec::new() } else { expected.split(',').collect() };
        assert_eq!(found, expected, "{condition}");
    }
}

#[tokio::test]
async fn order_limit_and_aggregates() {
    let bench = org().await;
    for (rest, expected) in [
        ("ORDER BY FirstName", ",Ann,bob,Zoë"),
        ("ORDER BY FirstName DESC NULLS LAST", "Zoë,bob,Ann,"),
        ("ORDER BY Title NULLS LAST, Id DESC LIMIT 3", "Ann,Zoë,"),
        ("ORDER BY CreatedDate DESC LIMIT 2 OFFSET 1", "Zoë,bob"),
        ("ORDER BY Id DESC LIMIT 1", ""),
        ("LIMIT 1 OFFSET 1", "bob"),
    ] {
        let found = bench.column(&format!("SELECT FirstName FROM Contact {rest}"), "FirstName").await;
        assert_eq!(found, expected.split(',').collect::<Vec<_>>(), "{rest}");
    }
    let count = bench.query("SELECT COUNT() FROM Contact WHERE Title = null").await;
    assert_eq!(count.body, json!({"totalSize": 2, "done": true, "records": []}));
    let soql = "SELECT COUNT(Id) n, MIN(CreatedDate) first, MAX(LastName) FROM Contact";
    let all = &bench.query(soql).await.records()[0].clone();
    assert_eq!(
        (&all["n"], &all["first"], &all["expr2"]),
        (&json!(4), &json!("2026-01-05T00:00:00.000+0000"), &json!("Single"))
    );
    let groups = bench.query("SELECT Title, COUNT(Id) FROM Contact GROUP BY Title").await;
    assert_eq!(groups.records().len(), 3);
    assert_eq!(groups.at("/records/0/attributes/type"), "AggregateResult");
}

#[tokio::test]
async fn refused_queries() {
    let bench = org().await;
    for (soql, code) in [
        ("SELECT Foo FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Foo = 1", "INVALID_FIELD"),
        ("SELECT Boss.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Foo", "INVALID_TYPE"),
        ("SELECT Id FROM Contact WHERE DoNotCall = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Title = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2020-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2020-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE DoNotCall LIKE 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE MailingAddress = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact ORDER BY Description", "INVALID_FIELD"),
        ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Title, COUNT(Id) FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ] {
        let got = bench.query(soql).await;
        assert_eq!((got.status, got.code().as_str()), (400, code), "{soql}: {}", got.text);
    }
    assert_eq!(bench.get("/query").await.code(), "MALFORMED_QUERY");
    let long = format!("SELECT Id FROM Contact WHERE Title = '{}'", "x".repeat(17_000));
    assert_eq!(bench.query(&long).await.status, 414);
}

#[tokio::test]
async fn pages_and_cursors() {
    let bench = start(|options| options.records = 2100).await;
    let mut reply = bench.query("SELECT Id, Profile.Name FROM User").await;
    let mut seen: Vec<String> = Vec::new();
    loop {
        assert_eq!(reply.at("/totalSize"), "2102");
        seen.extend(reply.records().iter().map(|record| record["Id"].as_str().unwrap().to_owned()));
        let next = reply.at("/nextRecordsUrl");
        assert_eq!(reply.body["done"], json!(next.is_empty()));
        if next.is_empty() {
            break;
        }
        assert!(next.starts_with(&format!("{DATA}/query/01g")) && next.ends_with("-2000"), "{next}");
        // A page can be asked for again, as after a lost answer.
        assert_eq!(bench.get(&next).await.records().len(), 102);
        reply = bench.get(&next).await;
    }
    assert_eq!((seen.len(), seen.iter().collect::<HashSet<_>>().len()), (2102, 2102));
    assert!(seen.is_sorted());
    let small = bench.request("GET", "/query").query(&[("q", "SELECT Id FROM User")]);
    let small = read(small.header("Sforce-Query-Options", "batchSize=500")).await.unwrap();
    assert_eq!(small.records().len(), 500);
    // Going on by ids needs no cursor, and the last page is told by its size.
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let soql = format!("SELECT Id FROM User WHERE Id > '{after}' ORDER BY Id LIMIT 1000");
        let ids = bench.column(&soql, "Id").await;
        count += ids.len();
        if ids.len() < 1000 {
            break;
        }
        after = ids.last().unwrap().clone();
    }
    assert_eq!(count, 2102);
}

#[tokio::test]
async fn cursors_die() {
    let bench = start(|options| {
        options.records = 900;
        options.cursors = 2;
    })
    .await;
    bench.org.set_faults(Faults { pages: Some(PageFault { at_most: 200 }), ..Faults::default() });
    let open = async || bench.query("SELECT Id FROM User").await.at("/nextRecordsUrl");
    let first = open().await;
    assert_eq!(bench.get(&first).await.records().len(), 200);
    let (_, _) = (open().await, open().await);
    let pushed_out = bench.get(&first).await;
    assert_eq!((pushed_out.status, pushed_out.code().as_str()), (400, "INVALID_QUERY_LOCATOR"));
    let aged = open().await;
    bench.org.advance(2 * 86_400_000);
    assert_eq!(bench.get(&aged).await.code(), "INVALID_QUERY_LOCATOR");
    bench.org.set_faults(Faults {
        pages: Some(PageFault { at_most: 200 }),
        cursors: Some(CursorFault { die_after_pages: 2, times: 1 }),
        ..Faults::default()
    });
    let doomed = open().await;
    let next = bench.get(&doomed).await.at("/nextRecordsUrl");
    assert_eq!(bench.get(&next).await.code(), "INVALID_QUERY_LOCATOR");
    assert_eq!(bench.get(&open().await).await.status, 200);
}

#[tokio::test]
async fn deleted_records() {
    let bench = org().await;
    let ann = bench.org.find("Contact", "FirstName", "Ann").unwrap().id;
    bench.org.delete("Contact", &ann).unwrap();
    assert_eq!(bench.column("SELECT Id FROM Contact", "Id").await.len(), 3);
    let all = bench.request("GET", "/queryAll").query(&[("q", "SELECT Id, IsDeleted FROM Contact")]);
    let all = read(all).await.unwrap();
    assert_eq!((all.records().len(), &all.records()[0]["IsDeleted"]), (4, &json!(true)));
    let span =
        |from: &str, to: &str| format!("start=2026-01-{from}%3A00%2B00%3A00&end=2026-01-{to}%3A00%2B00%3A00");
    let updated = bench.get(&format!("/sobjects/Contact/updated/?{}", span("05T00:01", "05T00:03"))).await;
    assert_eq!(updated.body["ids"].as_array().unwrap().len(), 2, "{}", updated.text);
    assert_eq!(updated.at("/latestDateCovered"), "2026-01-05T00:03:00.000+0000");
    bench.clock.advance(120_000);
    let deleted = bench.get(&format!("/sobjects/Contact/deleted?{}", span("05T00:00", "05T01:00"))).await;
    assert_eq!(deleted.at("/deletedRecords/0/id"), ann);
    assert_eq!(deleted.at("/latestDateCovered"), "2026-01-05T00:06:00.000+0000");
    for (path, from, to) in [
        ("updated", "05T00:01", "05T00:01"),
        ("updated", "06T00:00", "05T00:00"),
        ("updated", "xxT00:00", "05T00:00"),
    ] {
        let got = bench.get(&format!("/sobjects/Contact/{path}?{}", span(from, to))).await;
        assert_eq!(got.code(), "INVALID_REPLICATION_DATE", "{from} {to}");
    }
    for (path, days, status) in
        [("updated", 29, 200), ("updated", 31, 400), ("deleted", 14, 200), ("deleted", 16, 400)]
    {
        let bench = start(|_| {}).await;
        bench.clock.advance(days * 86_400_000);
        let got = bench.get(&format!("/sobjects/Contact/{path}?{}", span("05T00:00", "06T00:00"))).await;
        assert_eq!(got.status, status, "{path} {days}");
    }
    assert!(bench.org.undelete("Contact", &ann));
    assert_eq!(bench.column("SELECT Id FROM Contact", "Id").await.len(), 4);
}

/// Creates a job with these rows and gives its path.
async fn ingest(bench: &Bench, body: Value, csv: &str) -> String {
    let job = bench.call("POST", "/jobs/ingest", body).await;
    assert_eq!(job.status, 200, "{}", job.text);
    let path = format!("/jobs/ingest/{}", job.at("/id"));
    assert!(job.at("/contentUrl").ends_with(&format!("{path}/batches")));
    let put = |text: &str| {
        bench
            .request("PUT", &format!("{path}/batches"))
            .header("content-type", "text/csv")
            .body(text.to_owned())
    };
    assert_eq!(read(put(csv)).await.unwrap().status, 201);
    assert_eq!(read(put(csv)).await.unwrap().code(), "INVALIDJOBSTATE");
    let done = bench.call("PATCH", &path, json!({"state": "UploadComplete"})).await;
    assert_eq!(done.at("/state"), "UploadComplete");
    path
}

/// Polls to the end and gives the job.
async fn ended(bench: &Bench, path: &str) -> Value {
    loop {
        let job = bench.get(path).await.body;
        if !matches!(job["state"].as_str(), Some("UploadComplete" | "InProgress")) {
            return job;
        }
    }
}

#[tokio::test]
async fn bulk_ingest() {
    let bench = start(|options| options.job_polls = 2).await;
    let csv = "LastName,Email,Title,External_Id__c\n\
               \"Comma, \"\"Q\"\"\",a@example.org,Boss,x1\nOther,nowhere,,x2\nThird,,,x3\n";
    let path = ingest(&bench, json!({"object": "Contact", "operation": "insert"}), csv).await;
    let job = ended(&bench, &path).await;
    assert_eq!(
        (&job["state"], &job["numberRecordsProcessed"], &job["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(3), &json!(1))
    );
    let done = bench.get(&format!("{path}/successfulResults")).await;
    assert_eq!(done.header("content-type"), "text/csv;charset=utf-8");
    assert!(done.text.starts_with("\"sf__Id\",\"sf__Created\",\"LastName\""), "{}", done.text);
    assert_eq!(done.text.lines().count(), 3);
    let failed = bench.get(&format!("{path}/failedResults/")).await.text;
    assert!(failed.contains("INVALID_EMAIL_ADDRESS:Email: invalid email address: nowhere:Email"), "{failed}");
    assert_eq!(bench.get(&format!("{path}/unprocessedRecords")).await.text.lines().count(), 1);
    let upsert = json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": "External_Id__c",
                        "lineEnding": "CRLF", "columnDelimiter": "PIPE"});
    let csv = "Id|External_Id__c|LastName|Title\r\n|x1|Renamed|#N/A\r\n|x9|New|\r\n";
    let path = ingest(&bench, upsert, csv).await;
    assert_eq!(ended(&bench, &path).await["numberRecordsFailed"], 0);
    let renamed = bench.org.find("Contact", "External_Id__c", "x1").unwrap();
    assert_eq!((renamed.fields["LastName"].as_str(), renamed.fields.get("Title")), ("Renamed", None));
    let csv = format!("Id\n{}\n003000000000000AAA\n", renamed.id);
    let path = ingest(&bench, json!({"object": "Contact", "operation": "delete"}), &csv).await;
    assert_eq!(ended(&bench, &path).await["numberRecordsFailed"], 1);
    assert!(bench.org.record("Contact", &renamed.id).unwrap().is_deleted);
    for (csv, word) in
        [("Colour\nred\n", "Field name not found : Colour"), ("LastName\r\nx\r\n", "LineEnding")]
    {
        let path = ingest(&bench, json!({"object": "Contact", "operation": "insert"}), csv).await;
        let job = ended(&bench, &path).await;
        assert_eq!(job["state"], "Failed");
        assert!(job["errorMessage"].as_str().unwrap().contains(word), "{job}");
        assert_eq!(bench.call("DELETE", &path, Value::Null).await.status, 204);
        assert_eq!(bench.get(&path).await.status, 404);
    }
    for body in [
        json!({"object": "Nope", "operation": "insert"}),
        json!({"object": "Contact", "operation": "merge"}),
        json!({"object": "GroupMember", "operation": "insert"}),
        json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": "Title"}),
        json!({"object": "Contact", "operation": "insert", "columnDelimiter": "SPACE"}),
    ] {
        assert_eq!(bench.call("POST", "/jobs/ingest", body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn bulk_jobs_that_end_early() {
    let bench = start(|_| {}).await;
    let fault = JobFault {
        object: Some("Lead".into()),
        nth: 1,
        times: 1,
        end: "Failed".into(),
        processed: Some(2),
        polls: 3,
        late: false,
    };
    bench.org.add_job_fault(fault);
    let csv = "LastName,Company\na,x\nb,x\nc,x\n";
    let path = ingest(&bench, json!({"object": "Lead", "operation": "insert"}), csv).await;
    let job = ended(&bench, &path).await;
    assert_eq!((&job["state"], &job["numberRecordsProcessed"]), (&json!("Failed"), &json!(2)));
    assert_eq!(bench.get(&format!("{path}/successfulResults")).await.text.lines().count(), 3);
    assert!(bench.get(&format!("{path}/unprocessedrecords")).await.text.contains("\"c\",\"x\""));
    assert_eq!(bench.org.count("Lead"), 2);
}

/// A job that takes its time: nothing of it can be found before it ends, and the list of jobs tells how it stands.
#[tokio::test]
async fn bulk_jobs_are_listed_and_write_late() {
    let bench = start(|_| {}).await;
    let late = JobFault {
        object: None,
        nth: 1,
        times: 1,
        end: "JobComplete".into(),
        processed: None,
        polls: 2,
        late: true,
    };
    bench.org.add_job_fault(late);
    let body = || json!({"object": "Lead", "operation": "insert"});
    ingest(&bench, body(), "LastName,Company\na,x\nb,x\n").await;
    let open = bench.call("POST", "/jobs/ingest", body()).await.at("/id");
    bench.org.set_faults(Faults { pages: Some(PageFault { at_most: 1 }), ..Faults::default() });
    for (state, leads) in [("UploadComplete", 0), ("InProgress", 2), ("JobComplete", 2)] {
        let page = bench.get("/jobs/ingest?isPkChunkingEnabled=false&jobType=V2Ingest").await;
        assert_eq!((page.at("/records/0/state").as_str(), page.body["done"].as_bool()), (state, Some(false)));
        assert_eq!(bench.org.count("Lead"), leads, "{state}");
    }
    let next = bench.get("/jobs/ingest?queryLocator=1").await;
    assert_eq!((next.at("/records/0/id"), next.at("/records/0/state")), (open.clone(), "Open".to_owned()));
    assert_eq!(next.body["done"], true);
    for none in ["jobType=Classic", "isPkChunkingEnabled=true"] {
        assert_eq!(bench.get(&format!("/jobs/ingest?{none}")).await.body["records"], json!([]), "{none}");
    }
    bench.call("PATCH", &format!("/jobs/ingest/{open}"), json!({"state": "Aborted"})).await;
    assert_eq!(bench.get(&format!("/jobs/ingest/{open}")).await.at("/state"), "Aborted");
}

#[tokio::test]
async fn bulk_query() {
    let bench = start(|options| {
        options.records = 500;
        options.bulk_page = 90;
    })
    .await;
    let ask = async |soql: &str| {
        bench.call("POST", "/jobs/query", json!({"operation": "query", "query": soql})).await
    };
    let job = ask("SELECT Id, Username, CreatedDate, Profile.Name FROM User").await;
    let path = format!("/jobs/query/{}", job.at("/id"));
    assert_eq!(bench.get(&format!("{path}/results")).await.code(), "INVALIDJOBSTATE");
    assert_eq!(ended(&bench, &path).await["numberRecordsProcessed"], 502);
    let (mut locator, mut ids, mut pages) = (String::new(), HashSet::new(), 0);
    while locator != "null" {
        let page = bench.get(&format!("{path}/results?maxRecords=200&locator={locator}")).await;
        let mut lines = page.text.lines();
        assert_eq!(lines.next(), Some("\"Id\",\"Username\",\"CreatedDate\",\"Profile.Name\""));
        let before = ids.len();
        ids.extend(lines.map(|line| line.split(',').next().unwrap().to_owned()));
        assert_eq!(page.header("sforce-numberofrecords"), (ids.len() - before).to_string());
        locator = page.header("sforce-locator").to_owned();
        pages += 1;
    }
    assert_eq!((ids.len(), pages), (502, 3));
    let (mut links, mut next) = (Vec::new(), format!("{path}/resultPages"));
    while !next.is_empty() {
        let told = bench.get(&next).await;
        links.extend(
            told.body["resultPages"].as_array().unwrap().iter().map(|page| page["resultUrl"].clone()),
        );
        next = told.at("/nextRecordsUrl");
        assert_eq!(told.body["done"], json!(next.is_empty()));
    }
    let mut all = HashSet::new();
    for link in &links {
        let page = bench.get(link.as_str().unwrap()).await;
        all.extend(page.text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()));
    }
    assert_eq!((links.len(), all), (6, ids));
    let other = format!("/services/data/v65.0{path}/results");
    assert_eq!(bench.get(&other).await.status, 409);
    for soql in [
        "SELECT COUNT() FROM User",
        "SELECT Address FROM User",
        "SELECT Id FROM User LIMIT 1 OFFSET 1",
        "SELECT Nope FROM User",
    ] {
        assert_eq!(ask(soql).await.status, 400, "{soql}");
    }
}
