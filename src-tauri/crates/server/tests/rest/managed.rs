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
            Some(next) => {
                let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                cookie = format!("&_pagedResultsCookie={next}");
            }
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
