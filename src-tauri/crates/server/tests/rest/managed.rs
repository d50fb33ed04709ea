//! Managed users.

use serde_json::{Value, json};

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_sorted_and_paged() {
    let house = House::reconciled(60).await;
    let all = house.get("/managed/user?_queryFilter=true").await.is(200);
    let count = all.body["resultCount"].as_u64().unwrap();
    assert!(count > 20, "{count}");
    assert_eq!(all.body["totalPagedResults"], -1);
    assert_eq!(all.body["pagedResultsCookie"], Value::Null);
    let mut names = Vec::new();
    let mut cookie = String::new();
    loop {
        let page = house
            .get(&format!(
                "/managed/user?_queryFilter=true&_pageSize=7&_sortKeys=-userName&_fields=userName{cookie}"
            ))
            .await
            .is(200);
        assert!(page.body["result"][0].get("mail").is_none());
        names.extend(page.column("userName"));
        match page.body["pagedResultsCookie"].as_str() {
            Some(next) => cookie = format!("&_pagedResultsCookie={next}"),
            None => break,
        }
    }
    assert_eq!(names.len() as u64, count);
    let mut sorted = names.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!(names, sorted);
    let counted = house.get("/managed/user?_queryFilter=true&_countOnly=true").await.is(200);
    assert_eq!(counted.body["resultCount"], count);
    let total =
        house.get("/managed/user?_queryFilter=true&_pageSize=1&_totalPagedResultsPolicy=EXACT").await.is(200);
    assert_eq!((&total.body["totalPagedResults"], &total.body["resultCount"]), (&json!(count), &json!(1)));
    let ids = house.get("/managed/user?_queryId=query-all-ids").await.is(200);
    assert_eq!(ids.body["resultCount"], count);
    assert!(ids.body["result"][0].get("userName").is_none());
    let one = format!("/managed/user/{}", ids.column("_id")[0]);
    let user = house.get(&one).await.is(200);
    assert_eq!(user.header("etag"), format!("\"{}\"", user.body["_rev"].as_str().unwrap()));
    house.get("/managed/user/nobody").await.is(404);
    house.get("/managed/animal/x").await.is(404).says(&["animal"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_with_an_id_of_ours_or_of_theirs() {
    let house = House::empty().await;
    let made = house.user("ann").await;
    let id = made.body["_id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/openidm/managed/user/{id}"));
    assert_eq!(made.body["accountStatus"], "active", "defaults are set");
    assert_eq!(house.get(&format!("/managed/user/{id}")).await.is(200).body, made.body);

    let bob = json!({"userName": "bob", "givenName": "Bob", "sn": "Ray", "mail": "bob@example.org"});
    let new = [("if-none-match", "*")];
    let put = house.send("PUT", "/managed/user/bob", &bob, &new).await.is(201);
    assert_eq!((&put.body["_id"], put.header("etag")), (&json!("bob"), "\"1\""));
    house.send("PUT", "/managed/user/bob", &bob, &new).await.is(412);
    house.send("PUT", "/managed/user/x", &bob, &[("if-none-match", "\"1\"")]).await.is(400);
    let again = json!({"userName": "BOB", "givenName": "Bob", "sn": "Ray", "mail": "bob@example.org"});
    let refused =
        house.post("/managed/user?_action=create", &again).await.is(403).says(&["Policy validation failed"]);
    assert_eq!(refused.body["detail"]["result"], false);
    assert_eq!(refused.body["detail"]["failedPolicyRequirements"][0]["property"], "userName");
    let faults = house
        .post("/managed/user?_action=create", &json!({"userName": "c", "mail": "no mail"}))
        .await
        .is(403);
    assert_eq!(faults.body["detail"]["failedPolicyRequirements"].as_array().unwrap().len(), 3, "{faults:#?}");
    // A POST without an action creates.
    house
        .post(
            "/managed/user",
            &json!({"userName": "dee", "givenName": "D", "sn": "E", "mail": "d@example.org"}),
        )
        .await
        .is(201);
    house.post("/managed/animal?_action=create", &bob).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_name_the_revision_they_are_based_on() {
    let house = House::empty().await;
    let made = house.user("ann").await;
    let path = format!("/managed/user/{}", made.body["_id"].as_str().unwrap());
    let (mut user, etag) = (made.body.clone(), made.header("etag").to_owned());
    user["sn"] = "Berger".into();
    user["telephoneNumber"] = "555-1234 ext 5".into();
    let changed = house.send("PUT", &path, &user, &[("if-match", &etag)]).await.is(200);
    assert_ne!(changed.header("etag"), etag);
    house.send("PUT", &path, &user, &[("if-match", &etag)]).await.is(412);
    house.send("PUT", &path, &user, &[("if-match", "\"nonsense\"")]).await.is(412);
    house.send("PUT", &path, &user, &[("if-match", "\"1\", \"7\"")]).await.is(412);
    let several = format!("\"1\", {}", changed.header("etag"));
    house.send("PUT", &path, &user, &[("if-match", &several)]).await.is(200);
    house.send("PUT", "/managed/user/nobody", &json!({"userName": "n"}), &[("if-match", "*")]).await.is(404);
    // What a PUT leaves out is gone.
    let small = json!({"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"});
    let put = house.send("PUT", &path, &small, &[("if-match", "*")]).await.is(200);
    assert!(put.body.get("telephoneNumber").is_none(), "{put:#?}");

    let patch = json!([
        {"operation": "replace", "field": "/sn", "value": "Young"},
        {"operation": "add", "field": "/city", "value": "Graz"},
        {"operation": "remove", "field": "/accountStatus"},
    ]);
    let patched = house.send("PATCH", &path, &patch, &[]).await.is(200);
    assert_eq!((&patched.body["sn"], &patched.body["city"]), (&json!("Young"), &json!("Graz")));
    assert!(patched.body.get("accountStatus").is_none(), "{patched:#?}");
    house.send("PATCH", &path, &patch, &[("if-match", "\"1\"")]).await.is(412);
    house
        .send("PATCH", &path, &json!([{"operation": "dance", "field": "/sn"}]), &[])
        .await
        .is(400)
        .says(&["dance"]);
    house.send("PATCH", &path, &json!([{"operation": "remove", "field": "/sn"}]), &[]).await.is(403);
    house.send("PATCH", "/managed/user/nobody", &patch, &[]).await.is(404);
    let by_post = json!([{"operation": "replace", "field": "sn", "value": "Post"}]);
    assert_eq!(house.post(&format!("{path}?_action=patch"), &by_post).await.is(200).body["sn"], "Post");
    let found = "/managed/user?_action=patch&_queryId=for-userName&uid=ann&_fields=sn";
    let patched =
        house.post(found, &json!([{"operation": "replace", "field": "sn", "value": "Found"}])).await.is(200);
    assert_eq!(patched.body["sn"], "Found");
    // Nobody who sends no revision is told that another one is in force, however many write at once.
    let at_once = (0..24).map(|n| {
        let house = &house;
        async move {
            let step = json!([{"operation": "replace", "field": "city", "value": n.to_string()}]);
            house.post(found, &step).await
        }
    });
    futures::future::join_all(at_once).await.into_iter().for_each(|reply| drop(reply.is(200)));
    house.post("/managed/user?_action=patch&_queryFilter=false", &by_post).await.is(404);
    house.user("eve").await;
    house.post("/managed/user?_action=patch&_queryFilter=true", &by_post).await.is(409);

    house.send("DELETE", &path, &Value::Null, &[("if-match", "\"1\"")]).await.is(412);
    let gone = house.send("DELETE", &path, &Value::Null, &[("if-match", "*")]).await.is(200);
    assert_eq!(gone.body["userName"], "ann");
    house.get(&path).await.is(404);
    house.send("DELETE", &path, &Value::Null, &[]).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_by_several_fields_and_by_position() {
    let house = House::empty().await;
    for (name, sn) in [("a", "Zed"), ("b", "Young"), ("c", "Zed"), ("d", "Adams")] {
        let user =
            json!({"userName": name, "givenName": "X", "sn": sn, "mail": format!("{name}@example.org")});
        house.post("/managed/user?_action=create", &user).await.is(201);
    }
    let names =
        async |query: &str| house.get(&format!("/managed/user?{query}")).await.is(200).column("userName");
    assert_eq!(names("_queryFilter=true&_sortKeys=sn,-userName").await, ["d", "b", "c", "a"]);
    assert_eq!(
        names("_queryFilter=true&_sortKeys=userName&_pageSize=2&_pagedResultsOffset=1").await,
        ["b", "c"]
    );
    assert_eq!(
        names("_queryFilter=true&_sortKeys=userName&_pagedResultsOffset=9").await,
        Vec::<String>::new()
    );
    assert_eq!(names("_queryFilter=sn+eq+%22Zed%22+and+!(userName+eq+%22a%22)").await, ["c"]);
    assert_eq!(names("_queryId=for-userName&uid=b").await, ["b"]);
    house.get("/managed/user?_queryId=for-userName").await.is(400).says(&["uid"]);
    house.get("/managed/user?_queryFilter=sn+maybe+1").await.is(400);
    // What no index orders is sorted all the same, one attribute as well as several; who has none comes last.
    for (name, city) in [("b", "Graz"), ("d", "Bonn")] {
        let id =
            house.get(&format!("/managed/user?_queryFilter=userName+eq+%22{name}%22")).await.column("_id");
        let step = json!([{"operation": "add", "field": "/city", "value": city}]);
        house.send("PATCH", &format!("/managed/user/{}", id[0]), &step, &[]).await.is(200);
    }
    assert_eq!(names("_queryFilter=true&_sortKeys=city,userName").await, ["d", "b", "a", "c"]);
    assert_eq!(names("_queryFilter=city+pr&_sortKeys=city").await, ["d", "b"]);
    assert_eq!(names("_queryFilter=city+pr&_sortKeys=-city&_pagedResultsOffset=1").await, ["d"]);
    // Page by page, and only in the list that gave the cookie.
    for (sort, other) in [("sn", "mail"), ("mail", "-mail"), ("city", "mail"), ("sn,city", "city,sn")] {
        let list = |sort: &str| format!("/managed/user?_queryFilter=true&_pageSize=3&_sortKeys={sort}");
        let first = house.get(&list(sort)).await.is(200);
        let cookie = first.body["pagedResultsCookie"].as_str().unwrap().to_owned();
        let next = house.get(&format!("{}&_pagedResultsCookie={cookie}", list(sort))).await.is(200);
        assert_eq!(next.column("userName").len(), 1, "{sort}: {next:#?}");
        assert!(!first.column("userName").contains(&next.column("userName")[0]), "{sort}");
        let filtered = list(sort).replace("=true", "=sn+pr");
        for list in [list(other), list(""), filtered] {
            let refused = house.get(&format!("{list}&_pagedResultsCookie={cookie}")).await.is(400);
            refused.says(&["_pagedResultsCookie", "_sortKeys"]);
        }
    }
    for nonsense in ["nonsense", "%22", "eyJhIjoxfQ"] {
        house
            .get(&format!("/managed/user?_queryFilter=true&_pagedResultsCookie={nonsense}"))
            .await
            .is(400)
            .says(&["_pagedResultsCookie"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_taken_and_never_given() {
    let house = House::empty().await;
    let user = json!({
        "userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org", "password": "Secret-Word-1",
    });
    let made = house.post("/managed/user?_action=create", &user).await.is(201);
    let id = made.body["_id"].as_str().unwrap();
    for reply in [&made, &house.get(&format!("/managed/user/{id}?_fields=password,*")).await.is(200)] {
        assert!(!reply.text.contains("Secret-Word-1") && reply.body.get("password").is_none(), "{reply:#?}");
    }
    let weak = json!([{"operation": "replace", "field": "/password", "value": "short"}]);
    let refused = house.send("PATCH", &format!("/managed/user/{id}"), &weak, &[]).await.is(403);
    assert!(!refused.text.contains("short\""), "{refused:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_asked_before_anything_is_written() {
    let house = House::empty().await;
    house.user("ann").await;
    let path = "/policy/managed/user/*";
    let good = json!({"userName": "bob", "givenName": "B", "sn": "R", "mail": "b@example.org"});
    let fine = house.post(&format!("{path}?_action=validateObject"), &good).await.is(200);
    assert_eq!(fine.body, json!({"result": true, "failedPolicyRequirements": []}));
    let taken = json!({"userName": "ann", "mail": "nothing"});
    let all = house.post(&format!("{path}?_action=validateObject"), &taken).await.is(200);
    assert_eq!(all.body["result"], false);
    assert_eq!(all.body["failedPolicyRequirements"].as_array().unwrap().len(), 4, "{all:#?}");
    let one =
        house.post(&format!("{path}?_action=validateProperty"), &json!({"mail": "nothing"})).await.is(200);
    assert_eq!(one.body["failedPolicyRequirements"].as_array().unwrap().len(), 1, "{one:#?}");
    assert_eq!(one.body["failedPolicyRequirements"][0]["property"], "mail");
    assert_eq!(
        house.get("/managed/user?_queryFilter=true").await.is(200).body["resultCount"],
        1,
        "nothing was written"
    );
    house.post("/policy/managed/animal/*?_action=validateObject", &good).await.is(404);
    let of_type = house.post("/policy/managed/user?_action=validateObject", &taken).await.is(200);
    assert_eq!(of_type.body, all.body, "the type alone stands for an object that is not there yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_type_holds_and_asks_for_is_shown() {
    let house = House::empty().await;
    let schema = house.get("/schema/managed/user").await.is(200).body;
    let configured = house.get("/config/managed").await.is(200).body["objects"][0]["schema"].clone();
    assert_eq!(schema, configured);
    assert_eq!(schema["required"], json!(["userName", "givenName", "sn", "mail"]));
    house.get("/schema/managed/animal").await.is(404).says(&["animal"]);

    let policies = house.get("/policy/managed/user/*").await.is(200).body;
    assert_eq!((&policies["_id"], &policies["resource"]), (&json!("*"), &json!("managed/user/*")));
    let properties = policies["properties"].as_array().unwrap();
    let mail = properties.iter().find(|p| p["name"] == "mail").unwrap();
    let words = json!(["REQUIRED", "VALID_TYPE", "VALID_EMAIL_ADDRESS_FORMAT"]);
    assert_eq!(mail["policyRequirements"], words);
    assert_eq!(mail["policies"][0], json!({"policyId": "required", "policyRequirements": ["REQUIRED"]}));
    let of_type = house.get("/policy/managed/user").await.is(200).body;
    assert_eq!(
        (&of_type["resource"], &of_type["properties"]),
        (&json!("managed/user"), &policies["properties"])
    );
    house.get("/policy/managed/animal").await.is(404);
    assert_eq!(house.get("/policy").await.is(200).body["resources"], json!([]));
}
