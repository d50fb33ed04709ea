//! SCIM on the wire: what Okta, Entra ID and WSO2 send, and what they get.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use api::{
    App, AppOptions, Edit, ScimProfile, Which,
    dto::{HistoryRequest, ObjectDelete},
};
use futures::future::join_all;
use model::Secret;
use reqwest::{Client, Method, header::HeaderMap};
use serde_json::{Value, json};
use server::{ADMINISTRATOR, Administrator, HostNames, Options, Server};
use tempfile::TempDir;
use tokio::net::TcpListener;

const PASSWORD: &str = "a password for tests";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

struct House {
    server: Server,
    app: Arc<App>,
    client: Client,
    token: Secret,
    _folder: TempDir,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        if status >= 400 && self.body.get("schemas").is_some() {
            assert_eq!(self.body["status"], status.to_string(), "{self:#?}");
            assert_eq!(self.headers["content-type"], "application/scim+json", "{self:#?}");
        }
        self
    }

    #[track_caller]
    fn names(&self) -> Vec<&str> {
        let rows = self.body["Resources"].as_array().unwrap_or_else(|| panic!("a list: {self:#?}"));
        rows.iter().filter_map(|row| row["userName"].as_str().or(row["displayName"].as_str())).collect()
    }

    fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("a resource: {self:#?}")).to_owned()
    }
}

impl House {
    async fn with(profile: ScimProfile) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = AppOptions {
            data_dir: folder.path().join("data"),
            passphrase: Some("a passphrase for tests".into()),
        };
        let app = App::open(options).await.unwrap();
        let token = app.scim_token_create("client", profile).await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let options = Options {
            administrator: Administrator::Chosen(Secret::new(PASSWORD)),
            hosts: HostNames::default(),
            certificate: None,
            self_service: None,
        };
        let server = Server::start(Arc::clone(&app), listener, options).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { server, app, client, token, _folder: folder }
    }

    async fn send(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let url = format!("{}/scim/v2{path}", self.server.url());
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        request = request.bearer_auth(self.token.expose());
        if !body.is_null() {
            request =
                request.header("content-type", "application/scim+json; charset=utf-8").body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        reply(request).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &Value::Null, &[]).await
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, body, &[]).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Reply {
        self.send("PATCH", path, &json!({"Operations": operations}), &[]).await
    }

    async fn user(&self, name: &str) -> Reply {
        self.post("/Users", &person(name)).await.is(201)
    }
}

async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

fn person(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": name, "externalId": format!("ext-{name}"), "active": true, "roles": [],
        "name": {"givenName": "Ann", "familyName": "Lee", "formatted": "Ann Lee"},
        "emails": [{"value": format!("{name}@example.org"), "type": "work", "primary": true}],
        (ENTERPRISE): {"employeeNumber": "7", "manager": {"value": "42"}},
        "meta": {"resourceType": "User"},
    })
}

#[tokio::test]
async fn a_users_life() {
    let house = House::with(ScimProfile::Generic).await;
    let made = house.user("ann").await;
    let id = made.id();
    let at = format!("/Users/{id}");
    assert_eq!(made.headers["location"].to_str().unwrap(), format!("{}/scim/v2{at}", house.server.url()));
    assert_eq!(made.headers["etag"], "W/\"1\"");
    assert_eq!(made.body["emails"], person("ann")["emails"]);
    assert_eq!(made.body[ENTERPRISE], person("ann")[ENTERPRISE]);
    let managed = house.app.object_read("user", &id).await.unwrap().attributes;
    assert_eq!((&managed["sn"], &managed["mail"]), (&json!("Lee"), &json!("ann@example.org")));
    house.post("/Users", &person("ANN")).await.is(409);

    let off = house.patch(&at, json!([{"op": "Replace", "path": "active", "value": "False"}])).await.is(200);
    assert_eq!(off.body["active"], false);
    assert_eq!(house.get("/Users?filter=active%20eq%20false").await.is(200).names(), ["ann"]);
    let old = [("if-match", "W/\"1\"")];
    house.send("PATCH", &at, &json!({"Operations": []}), &old).await.is(412);
    house.send("DELETE", &at, &Value::Null, &old).await.is(412);
    house.send("GET", &at, &Value::Null, &[("if-none-match", "W/\"2\"")]).await.is(304);

    let mut next = person("ann");
    next["title"] = "Boss".into();
    next["password"] = "short".into();
    let refused = house.send("PUT", &at, &next, &[]).await.is(400);
    assert_eq!(refused.body["scimType"], "invalidValue");
    next["password"] = "Long enough 1".into();
    let put = house.send("PUT", &at, &next, &[("if-match", "W/\"2\"")]).await.is(200);
    assert_eq!(put.body["title"], "Boss");
    assert!(!put.body.to_string().contains("Long enough"), "a password is never given back");
    let kept = house.app.object_read("user", &id).await.unwrap().attributes.to_string();
    assert!(!kept.contains("Long enough"), "nor kept in clear: {kept}");

    house.send("DELETE", &at, &Value::Null, &[]).await.is(204);
    house.get(&at).await.is(404);
    house.send("DELETE", &at, &Value::Null, &[]).await.is(404);
}

/// A list goes on where its page before ended, and is right all the same when somebody comes or goes in between.
#[tokio::test]
async fn a_list_that_is_read_page_by_page_is_the_list() {
    let house = House::with(ScimProfile::Generic).await;
    for n in 0..12 {
        house.user(&format!("n{n:02}")).await;
    }
    let names = |reply: &Reply| reply.names().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let page = async |start: usize, total: usize| {
        let path = format!("/Users?sortBy=userName&startIndex={start}&count=4");
        let reply = house.get(&path).await.is(200);
        assert_eq!(reply.body["totalResults"], total, "{start}");
        names(&reply)
    };
    let all = async || names(&house.get("/Users?sortBy=userName").await.is(200));
    let mut read = Vec::new();
    for start in [1, 5, 9] {
        read.extend(page(start, 12).await);
    }
    assert_eq!(read, all().await);
    page(1, 12).await;
    house.user("a-first").await;
    for start in [5, 9, 13, 5] {
        let there: Vec<String> = all().await.into_iter().skip(start - 1).take(4).collect();
        assert_eq!(page(start, 13).await, there, "{start}");
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let house = House::with(ScimProfile::Generic).await;
    for name in ["cat", "ann", "bob"] {
        house.user(name).await;
    }
    for (query, names, total) in [
        ("sortBy=userName", vec!["ann", "bob", "cat"], 3),
        ("sortBy=userName&sortOrder=descending&startIndex=2&count=1", vec!["bob"], 3),
        ("sortBy=externalId", vec!["ann", "bob", "cat"], 3),
        ("count=0", vec![], 3),
        ("count=-1&startIndex=-5", vec![], 3),
        ("filter=userName eq \"BOB\"", vec!["bob"], 1),
        ("filter=externalId eq \"ext-cat\"", vec!["cat"], 1),
        ("filter=emails[type eq \"work\"].value eq \"ann@example.org\"", vec!["ann"], 1),
        ("filter=emails.value sw \"bob\"", vec!["bob"], 1),
        ("filter=userName eq \"no-one\"", vec![], 0),
        ("filter=not (userName eq \"ann\")&sortBy=userName&startIndex=2", vec!["cat"], 2),
        (
            "filter=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"7\"&sortBy=name.formatted&count=2&startIndex=3",
            vec!["bob"],
            3,
        ),
    ] {
        let list =
            house.get(&format!("/Users?{}", query.replace(' ', "%20").replace('"', "%22"))).await.is(200);
        assert_eq!((list.names(), &list.body["totalResults"]), (names, &json!(total)), "{query}");
    }
    let refused = house.get("/Users?filter=SOMETHING").await.is(400);
    assert_eq!(refused.body["scimType"], "invalidFilter");
    for filter in ["userName eq ann", "active gt true", "meta.created gt \"soon\"", "userName eq 5"] {
        let path = format!("/Users?filter={}", filter.replace(' ', "%20").replace('"', "%22"));
        assert_eq!(house.get(&path).await.is(400).body["scimType"], "invalidFilter", "{filter}");
    }
    let search = json!({"filter": "userName sw \"c\"", "attributes": ["emails.value"]});
    for path in ["/.search", "/Users/.search"] {
        let found = house.post(path, &search).await.is(200);
        assert_eq!(found.body["Resources"][0]["emails"], json!([{"value": "cat@example.org"}]), "{path}");
        assert!(found.body["Resources"][0].get("userName").is_none(), "{path}");
        for (search, kind) in [
            (json!({"filter": 5}), "invalidFilter"),
            (json!({"filter": ["userName sw \"c\""]}), "invalidFilter"),
            (json!({"sortBy": true}), "invalidValue"),
            (json!({"sortOrder": 1}), "invalidValue"),
            (json!({"startIndex": "1"}), "invalidValue"),
            (json!({"count": 1.5}), "invalidValue"),
            (json!({"attributes": "userName"}), "invalidValue"),
            (json!({"attributes": ["userName", 5]}), "invalidValue"),
            (json!({"excludedAttributes": {}}), "invalidValue"),
        ] {
            assert_eq!(house.post(path, &search).await.is(400).body["scimType"], kind, "{path} {search}");
        }
        let nothing = json!({"filter": null, "sortBy": null, "count": null, "attributes": null});
        assert_eq!(house.post(path, &nothing).await.is(200).body["totalResults"], 3, "{path}");
    }
}

#[tokio::test]
async fn history_names_the_token_that_made_a_change() {
    let house = House::with(ScimProfile::Generic).await;
    let id = house.user("ann").await.id();
    let other = house.app.scim_token_create("entra", ScimProfile::Entra).await.unwrap();
    let at = format!("{}/scim/v2/Users/{id}", house.server.url());
    let patch = |title: &str| json!({"Operations": [{"op": "replace", "path": "title", "value": title}]});
    let send = |title: &str| house.client.patch(&at).json(&patch(title));
    reply(send("Boss").bearer_auth(other.expose())).await.is(200);
    reply(send("Chief").basic_auth(ADMINISTRATOR, Some(PASSWORD))).await.is(200);
    let request = HistoryRequest { kind: "user".into(), id, attribute: None, after: None, limit: None };
    let history = house.app.object_history(request).await.unwrap();
    let mut who: Vec<&str> = history.rows.iter().map(|row| row.who.as_str()).collect();
    who.dedup();
    assert_eq!(who, [ADMINISTRATOR, "entra", "client"], "{history:?}");
}

#[tokio::test]
async fn groups_and_their_members() {
    let house = House::with(ScimProfile::Generic).await;
    assert_eq!(house.get("/Groups").await.is(200).body["totalResults"], 0);
    let (ann, bob) = (house.user("ann").await.id(), house.user("bob").await.id());
    let group =
        json!({"displayName": "Sales", "externalId": "g1", "members": [{"value": ann, "$ref": null}]});
    let group = house.post("/Groups", &group).await.is(201);
    let at = format!("/Groups/{}", group.id());
    let two =
        house.patch(&at, json!([{"op": "Add", "path": "members", "value": [{"value": bob}]}])).await.is(200);
    assert_eq!(two.body["members"].as_array().map(Vec::len), Some(2));
    let seen = house.get(&format!("/Users/{bob}")).await.is(200);
    assert_eq!(seen.body["groups"][0]["display"], "Sales");
    assert_eq!(
        house.get(&format!("/Groups?filter=members%20eq%20%22{bob}%22")).await.is(200).names(),
        ["Sales"]
    );
    let slim =
        house.get("/Groups?excludedAttributes=members&filter=displayName%20eq%20%22sales%22").await.is(200);
    assert!(slim.body["Resources"][0].get("members").is_none(), "{slim:#?}");
    house.patch(&at, json!([{"op": "Remove", "path": "members", "value": [{"value": ann}]}])).await.is(200);
    house.send("DELETE", &format!("/Users/{bob}"), &Value::Null, &[]).await.is(204);
    assert!(house.get(&at).await.is(200).body.get("members").is_none());
    house.post("/Groups", &json!({"displayName": "SALES"})).await.is(409);
    house.post("/Groups", &json!({"members": []})).await.is(400);
}

/// Identity systems send a group's members one by one, several calls at a time, and ask for no revision.
#[tokio::test]
async fn changes_at_the_same_moment_are_all_made() {
    let house = House::with(ScimProfile::Okta).await;
    let first = |n: usize| json!({"displayName": format!("first {n}")});
    let groups = (0..8).map(first).collect::<Vec<_>>();
    for made in join_all(groups.iter().map(|group| house.post("/Groups", group))).await {
        made.is(201);
    }
    let names: Vec<String> = (0..24).map(|n| format!("member{n}")).collect();
    let mut people = Vec::new();
    for name in &names {
        people.push(house.user(name).await.id());
    }
    let at = format!("/Groups/{}", house.post("/Groups", &json!({"displayName": "All"})).await.is(201).id());
    let join =
        |id: &String| house.patch(&at, json!([{"op": "add", "path": "members", "value": [{"value": id}]}]));
    for joined in join_all(people.iter().map(join)).await {
        joined.is(200);
    }
    let members = async || house.get(&at).await.is(200).body["members"].as_array().map_or(0, Vec::len);
    assert_eq!(members().await, people.len(), "nobody is left out");
    let one = format!("/Users/{}", people[0]);
    let titles = (0..24)
        .map(|n| house.patch(&one, json!([{"op": "replace", "path": "title", "value": n.to_string()}])));
    for changed in join_all(titles).await {
        changed.is(200);
    }
    let (leave, go) = people.split_at(12);
    let left = leave
        .iter()
        .map(|id| house.patch(&at, json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}])));
    let paths: Vec<String> = go.iter().map(|id| format!("/Users/{id}")).collect();
    let gone = paths.iter().map(|path| house.send("DELETE", path, &Value::Null, &[]));
    let (left, gone) = futures::join!(join_all(left), join_all(gone));
    left.into_iter().for_each(|reply| drop(reply.is(200)));
    gone.into_iter().for_each(|reply| drop(reply.is(204)));
    assert_eq!(members().await, 0, "who is gone is no member of anything");
}

/// A group in a group would become a user who is not there.
#[tokio::test]
async fn a_group_holds_people_alone() {
    let house = House::with(ScimProfile::Generic).await;
    let ann = house.user("ann").await.id();
    let inner = house.post("/Groups", &json!({"displayName": "Inner"})).await.is(201).id();
    let people = json!([{"value": ann, "type": "user"}, {"value": "not-here-yet"}]);
    let outer = house.post("/Groups", &json!({"displayName": "Outer", "members": people})).await.is(201);
    let here =
        json!({"value": ann, "type": "User", "$ref": format!("{}/scim/v2/Users/{ann}", house.server.url())});
    assert_eq!(outer.body["members"], json!([here]));
    let (outer, at) = (outer.id(), format!("/Groups/{}", outer.id()));
    for member in [
        json!({"value": inner}),
        json!({"value": outer, "type": "User"}),
        json!({"value": "elsewhere", "type": "Group"}),
        json!({"value": ann, "type": "Device"}),
    ] {
        let group = json!({"displayName": "Outer", "members": [{"value": "not-here-yet"}, member]});
        let add = json!({"Operations": [{"op": "add", "path": "members", "value": [member]}]});
        for (method, path, body) in [("POST", "/Groups", &group), ("PUT", &at, &group), ("PATCH", &at, &add)]
        {
            // A second one of the name is refused only after what is in it.
            let refused = house.send(method, path, body, &[]).await.is(400);
            assert_eq!(refused.body["scimType"], "invalidValue", "{method} {member}");
        }
    }
    for path in [at.as_str(), "/Groups?filter=displayName%20eq%20%22Outer%22"] {
        let seen = house.get(path).await.is(200).body;
        assert_eq!(
            *seen.pointer("/Resources/0/members").unwrap_or(&seen["members"]),
            json!([here]),
            "{path}"
        );
    }
    let bob = json!({"userName": "bob", "givenName": "Bob", "sn": "Lee", "mail": "bob@example.org"});
    let which = Which::New(Some("not-here-yet".into()));
    let bob = Edit::Replace(bob.as_object().cloned().unwrap());
    house.app.object_write("user", which, None, bob).await.unwrap();
    let seen = house.get(&at).await.is(200).body;
    assert_eq!(seen["members"][1]["value"], "not-here-yet", "who was named before is a member once here");
}

/// A deletion in the window, over REST or by a sync knows nothing of SCIM's groups.
#[tokio::test]
async fn who_is_deleted_elsewhere_is_shown_in_no_group() {
    let house = House::with(ScimProfile::Generic).await;
    let (ann, bob) = (house.user("ann").await.id(), house.user("bob").await.id());
    let members = json!([{"value": ann}, {"value": bob}]);
    let group = json!({"displayName": "Sales", "members": members});
    let at = format!("/Groups/{}", house.post("/Groups", &group).await.is(201).id());
    let delete = async |id: &str| {
        let request = ObjectDelete { kind: "user".into(), id: id.to_owned(), rev: None };
        house.app.object_delete(request).await.unwrap();
    };
    let shown = |body: &Value| -> Vec<String> {
        let group = body.pointer("/Resources/0").unwrap_or(body);
        let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    };
    delete(&ann).await;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Sale"}]);
    let renamed = house.patch(&at, rename).await.is(200);
    for body in [renamed.body, house.get(&at).await.is(200).body, house.get("/Groups").await.is(200).body] {
        assert_eq!(shown(&body), std::slice::from_ref(&bob), "{body}");
    }
    delete(&bob).await;
    for path in [at.as_str(), "/Groups", "/.search"] {
        let body = match path {
            "/.search" => house.post(path, &json!({"filter": "displayName eq \"Sale\""})).await.is(200).body,
            path => house.get(path).await.is(200).body,
        };
        let group = body.pointer("/Resources/0").unwrap_or(&body);
        assert_eq!(group["displayName"], "Sale");
        assert!(group.get("members").is_none(), "nobody is left: {path} {body}");
    }
}

#[tokio::test]
async fn people_are_shown_and_found_by_their_groups() {
    let house = House::with(ScimProfile::Generic).await;
    let (ann, bob) = (house.user("ann").await.id(), house.user("bob").await.id());
    house.user("cat").await;
    let mut groups = Vec::new();
    // More than are read at a time.
    for n in 0..52 {
        let members =
            if n % 2 == 0 { json!([{"value": ann}]) } else { json!([{"value": ann}, {"value": bob}]) };
        let group = json!({"displayName": format!("Group {n:02}"), "members": members});
        groups.push(house.post("/Groups", &group).await.is(201).id());
    }
    let body = house.get("/Users?sortBy=userName").await.is(200).body;
    let of = |n: usize| body["Resources"][n]["groups"].as_array().map_or(0, Vec::len);
    assert_eq!([of(0), of(1), of(2)], [52, 26, 0]);
    assert_eq!(body["Resources"][1]["groups"][25]["value"], json!(groups[51]));
    assert_eq!(body["Resources"][1]["groups"][25]["display"], "Group 51");
    for (filter, without, expect) in [
        (format!("groups.value%20eq%20%22{}%22", groups[51]), "title", vec!["ann", "bob"]),
        (format!("groups%20eq%20%22{}%22", groups[50]), "groups", vec!["ann"]),
        ("not%20(groups%20pr)".into(), "groups", vec!["cat"]),
        ("title%20eq%20%22x%22%20or%20groups.display%20ew%20%2251%22".into(), "title", vec!["ann", "bob"]),
    ] {
        let found = house.get(&format!("/Users?filter={filter}&excludedAttributes={without}")).await.is(200);
        assert_eq!(found.names(), expect, "{filter}");
    }
    let filter = format!("members%20ew%20%22{bob}%22");
    for without in ["title", "members"] {
        let path = format!("/Groups?filter={filter}&excludedAttributes={without}&count=2&startIndex=25");
        let found = house.get(&path).await.is(200);
        assert_eq!((found.body["totalResults"].as_u64(), found.names().len()), (Some(26), 2), "{without}");
        let has = found.body["Resources"][0].get("members").is_some();
        assert_eq!(has, without == "title", "{found:#?}");
    }
    let path = "/Groups?sortBy=members&sortOrder=descending&excludedAttributes=members&startIndex=51&count=5";
    assert_eq!(house.get(path).await.is(200).names().len(), 2);
    house.send("DELETE", &format!("/Users/{ann}"), &Value::Null, &[]).await.is(204);
    let left = house.get("/Groups?filter=members%20pr").await.is(200);
    assert_eq!(left.body["totalResults"], 26, "who is gone is in none of them: {left:#?}");
}

#[tokio::test]
async fn preconditions_name_any_of_several_revisions() {
    let house = House::with(ScimProfile::Generic).await;
    let at = format!("/Users/{}", house.user("ann").await.id());
    let (first, stale, last) = ("W/\"9\", W/\"1\"", "W/\"9\", \"1\"", "\"8\",W/\"2\"");
    house.send("PUT", &at, &person("ann"), &[("if-none-match", "*")]).await.is(412);
    house.send("PUT", &at, &person("ann"), &[("if-none-match", "W/\"7\", W/\"1\"")]).await.is(412);
    house.send("DELETE", &at, &Value::Null, &[("if-none-match", "*")]).await.is(412);
    house.send("PUT", "/Users/nobody", &person("bob"), &[("if-none-match", "*")]).await.is(404);
    let mut next = person("ann");
    next["title"] = "Boss".into();
    let put = house.send("PUT", &at, &next, &[("if-match", first)]).await.is(200);
    assert_eq!(put.body["meta"]["version"], "W/\"2\"");
    for method in ["PUT", "DELETE"] {
        house.send(method, &at, &next, &[("if-match", stale)]).await.is(412);
    }
    let chief = json!({"Operations": [{"op": "replace", "path": "title", "value": "Chief"}]});
    house.send("PATCH", &at, &chief, &[("if-match", stale)]).await.is(412);
    house.send("PATCH", &at, &chief, &[("if-match", last), ("if-none-match", "W/\"1\"")]).await.is(200);
    house.send("GET", &at, &Value::Null, &[("if-none-match", "W/\"1\", W/\"3\"")]).await.is(304);
    house.send("DELETE", &at, &Value::Null, &[("if-match", "\"3\", \"4\"")]).await.is(204);
}

#[tokio::test]
async fn a_patch_is_carried_out_whole_or_not_at_all() {
    let house = House::with(ScimProfile::Generic).await;
    let at = format!("/Users/{}", house.user("ann").await.id());
    let half = json!([{"op": "replace", "path": "title", "value": "Boss"}, {"op": "replace", "path": "active", "value": "perhaps"}]);
    assert_eq!(house.patch(&at, half).await.is(400).body["scimType"], "invalidValue");
    let required =
        json!([{"op": "replace", "path": "title", "value": "Boss"}, {"op": "remove", "path": "userName"}]);
    house.patch(&at, required).await.is(400);
    let after = house.get(&at).await.is(200);
    assert_eq!((&after.body["meta"]["version"], after.body.get("title")), (&json!("W/\"1\""), None));
    let stale = [("if-match", "W/\"9\"")];
    for method in ["PUT", "PATCH", "DELETE"] {
        let body = if method == "PATCH" { json!({"Operations": []}) } else { person("ann") };
        let refused = house.send(method, &at, &body, &stale).await.is(412);
        assert!(refused.body["detail"].as_str().is_some_and(|d| !d.is_empty()), "{refused:#?}");
    }
    let any = [("if-match", "*")];
    house
        .send("PATCH", &at, &json!({"Operations": [{"op": "add", "path": "title", "value": "Boss"}]}), &any)
        .await
        .is(200);
    // The same with a body that no patch has.
    assert_eq!(
        house.send("PATCH", &at, &json!({"title": "x"}), &[]).await.is(400).body["scimType"],
        "invalidSyntax"
    );
}

#[tokio::test]
async fn groups_arrive_by_a_mapping_that_can_be_changed() {
    let house = House::with(ScimProfile::Generic).await;
    let (ann, bob) = (house.user("ann").await.id(), house.user("bob").await.id());
    let organization = api::ready_type("organization").unwrap();
    let draft = json!({"config": organization, "rev": null, "confirmed": true});
    assert!(house.app.managed_type_save(serde_json::from_value(draft).unwrap()).await.unwrap().saved);
    let mapping = json!({"name": "teams", "source": "scim/Group", "target": "managed/organization",
    "enableSync": false, "sourceCondition": "/source/displayName sw \"S\"",
    "properties": [
        {"source": "displayName", "target": "name"},
        {"source": "memberNames", "target": "description", "whenEmpty": "clear",
            "transform": {"type": "text/javascript", "source": "(source || []).join(', ')"}},
    ]});
    house
        .app
        .mapping_save(api::dto::MappingDraft { create: true, rev: None, config: mapping })
        .await
        .unwrap();
    let group = json!({"displayName": "Sales", "externalId": "g1",
        "members": [{"value": ann}, {"value": bob, "$ref": null}, "who-is-not-here"]});
    let made = house.post("/Groups", &group).await.is(201);
    let at = format!("/Groups/{}", made.id());
    let stored = async || house.app.object_read("organization", &made.id()).await.unwrap().attributes;
    let now = stored().await;
    assert_eq!((&now["name"], &now["description"]), (&json!("Sales"), &json!("ann, bob")), "{now:#}");
    assert_eq!(
        (&made.body["externalId"], made.body["members"].as_array().map(Vec::len)),
        (&json!("g1"), Some(2))
    );
    assert_eq!(house.get(&format!("/Users/{bob}")).await.is(200).body["groups"][0]["display"], "Sales");
    for filter in [
        format!("members.value eq \"{ann}\""),
        "displayName eq \"SALES\"".into(),
        "externalId eq \"g1\"".into(),
    ] {
        let found =
            house.get(&format!("/Groups?filter={}", filter.replace(' ', "%20").replace('"', "%22"))).await;
        assert_eq!(found.is(200).names(), ["Sales"], "{filter}");
    }
    house.patch(&at, json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}])).await.is(200);
    assert_eq!(stored().await["description"], "bob");
    let renamed =
        house.patch(&at, json!([{"op": "replace", "value": {"displayName": "Support"}}])).await.is(200);
    assert_eq!(renamed.body["displayName"], "Support");
    let refused = house.post("/Groups", &json!({"displayName": "Buyers"})).await.is(400);
    assert!(refused.body["detail"].as_str().unwrap().contains("does not take this group"), "{refused:#?}");
    house.send("DELETE", &format!("/Users/{bob}"), &Value::Null, &[]).await.is(204);
    let left = house.get(&at).await.is(200);
    assert_eq!(left.body.get("members"), None, "nobody is left: {left:#?}");
    let now = stored().await;
    assert_eq!((now.get("description"), &now["scim"]["members"]), (None, &json!(["who-is-not-here"])));
    house.send("DELETE", &at, &Value::Null, &[]).await.is(204);
    assert!(house.app.object_read("organization", &made.id()).await.is_err());
    // Without a mapping, groups have a type of their own and a mapping that is made for it.
    house.app.mapping_remove(api::dto::ByName { name: "teams".into() }).await.unwrap();
    let own = house.post("/Groups", &json!({"displayName": "Buyers", "members": [ann]})).await.is(201);
    let kept = house.app.object_read("group", &own.id()).await.unwrap().attributes;
    assert_eq!((&kept["displayName"], &kept["members"]), (&json!("Buyers"), &json!([ann])));
    let mapping = house.app.mapping_config("scimGroup_managedGroup").await.unwrap();
    assert_eq!((mapping.source.as_str(), mapping.target.as_str()), ("scim/Group", "managed/group"));
    let schema = api::dto::ByResource { resource: "scim/Group".into() };
    let names: Vec<String> =
        house.app.resource_schema(schema).await.unwrap().attributes.into_iter().map(|a| a.name).collect();
    assert_eq!(names, ["displayName", "externalId", "members", "memberNames"]);
}

#[tokio::test]
async fn discovery_is_read_only() {
    let house = House::with(ScimProfile::Okta).await;
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas"] {
        house.get(path).await.is(200);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            house.send(method, path, &json!({}), &[]).await.is(405);
        }
    }
    house.get(&format!("/Schemas/{ENTERPRISE}")).await.is(200);
    house.get("/Schemas/nothing").await.is(404);
    house.get("/Schemas?filter=id%20pr").await.is(403);
    house.get("/Me").await.is(501);
    house.get("/Nothing").await.is(404);
}

#[tokio::test]
async fn wso2_is_understood_in_both_versions() {
    let house = House::with(ScimProfile::Wso2).await;
    let user = json!({"schemas": [], "userName": "PRIMARY/robin", "emails": ["robin@example.org"],
        "name": {"givenName": "Robin", "familyName": "B"}, "password": "Secret 123"});
    house.post("/Users/", &user).await.is(201);
    let found = house.get("/Users?filter=userName%20Eq%20robin&startIndex=1&count=1").await.is(200);
    assert_eq!(found.names(), ["robin"]);
    assert_eq!(house.get("/Users?filter=userName%20Eq%20PRIMARY/robin").await.is(200).names(), ["robin"]);

    let old = async |method: &str, path: &str, body: Value| {
        let url = format!("{}/hubspot/contacts{path}", house.server.url());
        let request = house.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        let request = request.basic_auth(ADMINISTRATOR, Some(PASSWORD));
        reply(if body.is_null() { request } else { request.json(&body) }).await
    };
    let mut user = user;
    user["schemas"] = json!(["urn:scim:schemas:core:1.0"]);
    user["userName"] = "eve".into();
    old("POST", "", user).await.is(201);
    let found = old("GET", "?filter=userName%20Eq%20eve", Value::Null).await.is(200);
    let id = found.body["Resources"][0]["id"].as_str().unwrap().to_owned();
    let partial = json!({"schemas": ["urn:scim:schemas:core:1.0"], "phoneNumbers": [{"type": "work", "value": "555 1"}]});
    let changed = old("PATCH", &format!("/{id}"), partial).await.is(200);
    assert_eq!(changed.body["phoneNumbers"][0]["value"], "555 1");
    assert_eq!(house.app.object_read("user", &id).await.unwrap().attributes["telephoneNumber"], "555 1");
    old("DELETE", &format!("/{id}"), Value::Null).await.is(204);
    assert_eq!(old("GET", &format!("/{id}"), Value::Null).await.is(404).body["Errors"][0]["code"], "404");
}

/// What Entra ID sends while it provisions somebody, word for word where its documents show it.
#[tokio::test]
async fn entra_is_understood() {
    let house = House::with(ScimProfile::Entra).await;
    let guid = "6b466a8c-2c1f-4f0f-9c0a-9d5d1a1c7f11";
    let none = house.get(&format!("/Users?filter=userName%20eq%20%22{guid}%22")).await.is(200);
    assert_eq!((none.names().len(), &none.body["totalResults"]), (0, &json!(0)), "the test of a connection");
    let mut user = person("ann");
    user["roles"] = json!([]);
    user["phoneNumbers"] = json!([{"type": "work", "value": "425-555-0100 x3", "primary": true}]);
    let made = house.post("/Users", &user).await.is(201);
    assert_eq!(made.body["phoneNumbers"][0]["value"], "425-555-0100 x3", "as it was sent");
    let at = format!("/Users/{}", made.id());
    for (operations, pointer, expect) in [
        (json!([{"op": "Replace", "path": "active", "value": "False"}]), "/active", json!(false)),
        (json!([{"op": "Replace", "path": "active", "value": true}]), "/active", json!(true)),
        (
            json!([{"op": "Add", "path": "emails[type eq \"home\"].value", "value": "h@example.org"}]),
            "/emails/1/value",
            json!("h@example.org"),
        ),
        (
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "w@example.org"}]),
            "/emails/0/value",
            json!("w@example.org"),
        ),
        (
            json!([{"op": "Replace", "path": "name.familyName", "value": "Berger"}]),
            "/name/familyName",
            json!("Berger"),
        ),
        (
            json!([{"op": "Replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales"}]),
            &format!("/{ENTERPRISE}/department"),
            json!("Sales"),
        ),
        (
            json!([{"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "43"}]),
            &format!("/{ENTERPRISE}/manager/value"),
            json!("43"),
        ),
        (
            json!([{"op": "replace", "value": {"name.givenName": "Anna", (format!("{ENTERPRISE}:employeeNumber")): "8"}}]),
            "/name/givenName",
            json!("Anna"),
        ),
        (json!([{"op": "Remove", "path": "displayName"}]), "/displayName", Value::Null),
    ] {
        let patched = house.patch(&at, operations.clone()).await.is(200);
        assert_eq!(patched.body.pointer(pointer).cloned().unwrap_or_default(), expect, "{operations}");
    }
    assert_eq!(
        house
            .get("/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22w@example.org%22")
            .await
            .is(200)
            .names(),
        ["ann"]
    );
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "g1", "displayName": "Sales", "meta": {"resourceType": "Group"}});
    let group = house.post("/Groups", &group).await.is(201);
    let at_group = format!("/Groups/{}", group.id());
    let member = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": made.id()}]}]);
    house.patch(&at_group, member).await.is(204);
    let gone = json!([{"op": "Remove", "path": "members", "value": [{"value": made.id()}]}]);
    house.patch(&at_group, gone).await.is(204);
    assert!(house.get(&at_group).await.is(200).body.get("members").is_none());
    house.send("DELETE", &at, &Value::Null, &[]).await.is(204);
    house.get(&at).await.is(404);
}

/// What Okta sends.
#[tokio::test]
async fn okta_is_understood() {
    let house = House::with(ScimProfile::Okta).await;
    assert_eq!(house.get("/Users?startIndex=1&count=2").await.is(200).body["totalResults"], 0);
    let mut ann = person("ann");
    ann["userName"] = "ann@example.org".into();
    let made = house.post("/Users", &ann).await.is(201);
    let at = format!("/Users/{}", made.id());
    let found =
        house.get("/Users?filter=userName%20eq%20%22ann@example.org%22&startIndex=1&count=100").await.is(200);
    assert_eq!(found.names(), ["ann@example.org"]);
    assert_eq!(house.post("/Users", &ann).await.is(409).body["scimType"], "uniqueness");
    let off = house.patch(&at, json!([{"op": "replace", "value": {"active": false}}])).await.is(200);
    assert_eq!(off.body["active"], false);
    assert_eq!(
        house.get("/Users").await.is(200).names(),
        ["ann@example.org"],
        "who is inactive is still listed"
    );
    let mut whole = ann.clone();
    whole["name"]["familyName"] = "Berger".into();
    let put = house.send("PUT", &at, &whole, &[]).await.is(200);
    assert_eq!((&put.body["name"]["familyName"], &put.body["active"]), (&json!("Berger"), &json!(true)));
    let group = house.post("/Groups", &json!({"displayName": "Everybody", "members": []})).await.is(201);
    let at_group = format!("/Groups/{}", group.id());
    let rename = json!([{"op": "replace", "value": {"id": group.id(), "displayName": "All"}}]);
    assert_eq!(house.patch(&at_group, rename).await.is(200).body["displayName"], "All");
    house.get("/Users?filter=SOMETHING").await.is(400);
    house.get("/Users/does-not-exist").await.is(404);
}

#[tokio::test]
async fn people_arrive_by_a_mapping_that_can_be_changed() {
    let house = House::with(ScimProfile::Generic).await;
    house.user("ann").await;
    let mappings = house.app.mappings_list(api::dto::Empty {}).await.unwrap();
    let mapping = mappings.iter().find(|m| m.source == "scim/User").expect("in the list");
    assert_eq!((mapping.name.as_str(), mapping.source_title.as_str()), ("scimUser_managedUser", "SCIM user"));
    let mut config = house.app.mapping_config("scimUser_managedUser").await.unwrap();
    config.source_condition = serde_json::from_value(json!("/source/userName sw \"b\"")).unwrap();
    for property in &mut config.properties {
        match property.target.as_str() {
            "mail" => property.transform = serde_json::from_value(json!({"builtIn": "lower"})).unwrap(),
            "country" => {
                property.default = Some("Switzerland".into());
                property.when_empty = None;
            }
            _ => {}
        }
    }
    config.properties.push(
        serde_json::from_value(json!({"source": "enterprise/department", "target": "description"})).unwrap(),
    );
    let draft =
        api::dto::MappingDraft { create: false, rev: None, config: serde_json::to_value(&config).unwrap() };
    house.app.mapping_save(draft).await.unwrap();
    let mut bob = person("bob");
    bob["emails"][0]["value"] = "BOB@Example.org".into();
    bob[ENTERPRISE]["department"] = "Sales".into();
    let made = house.post("/Users", &bob).await.is(201);
    let managed = house.app.object_read("user", &made.id()).await.unwrap().attributes;
    for (name, value) in [("mail", "bob@example.org"), ("country", "Switzerland"), ("description", "Sales")] {
        assert_eq!(managed[name], value, "{managed:#}");
    }
    assert_eq!(made.body["emails"][0]["value"], "bob@example.org", "what is kept is shown");
    assert_eq!(made.body[ENTERPRISE]["department"], "Sales");
    let refused = house.post("/Users", &person("carl")).await.is(400);
    assert!(refused.body["detail"].as_str().unwrap().contains("userName"), "{refused:#?}");
    // It cannot be run like others, and says so.
    let start = json!({"mapping": "scimUser_managedUser", "mode": "preview"});
    let start = serde_json::from_value(start).unwrap();
    let refused = house.app.run_start(start).await.unwrap_err();
    assert!(refused.message.contains("arrive"), "{refused}");
    // Whoever throws it away gets it back as it was at first.
    house.app.mapping_remove(api::dto::ByName { name: "scimUser_managedUser".into() }).await.unwrap();
    house.user("carl").await;
    assert!(house.app.mapping_config("scimUser_managedUser").await.unwrap().source_condition.is_none());
}

#[tokio::test]
async fn without_credentials_nothing_is_told() {
    let house = House::with(ScimProfile::Entra).await;
    let url = format!("{}/scim/v2/ServiceProviderConfig", house.server.url());
    assert_eq!(reply(house.client.get(&url)).await.is(401).body["status"], "401");
    reply(house.client.get(&url).bearer_auth("concord-scim-wrong")).await.is(401);
    reply(house.client.get(&url).basic_auth(ADMINISTRATOR, Some(PASSWORD))).await.is(200);
    for (header, value) in [("host", "evil.test"), ("origin", "https://evil.test"), ("origin", "null")] {
        let foreign = house.client.get(&url).bearer_auth(house.token.expose()).header(header, value);
        assert_eq!(reply(foreign).await.status, 403, "{header}: {value}");
    }
    house.get("/Users").await.is(200);
    house.app.scim_token_revoke("client").await.unwrap();
    house.get("/Users").await.is(401);
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods, reason = "how long an answer takes is what this is about")]
async fn wrong_tokens_are_slowed_and_the_right_one_is_not() {
    let house = House::with(ScimProfile::Generic).await;
    let url = format!("{}/scim/v2/Users", house.server.url());
    let begun = std::time::Instant::now();
    for _ in 0..4 {
        reply(house.client.get(&url).bearer_auth("concord-scim-wrong")).await.is(401);
    }
    assert!(begun.elapsed() >= std::time::Duration::from_millis(2500), "{:?}", begun.elapsed());
    let wrong = || reply(house.client.get(&url).bearer_auth("concord-scim-wrong"));
    let right = async {
        for _ in 0..5 {
            house.get("/Users").await.is(200);
        }
        std::time::Instant::now()
    };
    let begun = std::time::Instant::now();
    let (_, done) = tokio::join!(futures::future::join_all((0..40).map(|_| wrong())), right);
    assert!(done - begun < std::time::Duration::from_secs(4), "{:?}", done - begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_and_the_server_stays_up() {
    let house = House::with(ScimProfile::Generic).await;
    let mut large = person("large");
    large["title"] = "x".repeat(5 << 20).into();
    house.post("/Users", &large).await.is(413);
    let deep = format!("{}userName pr{}", "(".repeat(5000), ")".repeat(5000));
    house.get(&format!("/Users?filter={}", deep.replace(' ', "%20"))).await.is(400);
    let many: Vec<Value> =
        (0..1001).map(|_| json!({"op": "replace", "path": "title", "value": "x"})).collect();
    let at = format!("/Users/{}", house.user("ann").await.id());
    house.patch(&at, many.into()).await.is(400);
    for answer in futures::future::join_all((0..300).map(|_| house.get("/Users"))).await {
        assert!([200, 503].contains(&answer.status), "{answer:#?}");
    }
    house.get(&at).await.is(200);
}

#[tokio::test]
async fn bad_bodies_are_refused_without_repeating_them() {
    let house = House::with(ScimProfile::Generic).await;
    let url = format!("{}/scim/v2/Users", house.server.url());
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for (kind, body, status) in [
        ("application/json", "{\"password\": \"Hidden 12\"", 400),
        ("application/json", "[]", 400),
        ("application/json", deep.as_str(), 400),
        ("text/plain", "{}", 415),
        ("application/json", "{}", 400),
    ] {
        let request = house.client.post(&url).bearer_auth(house.token.expose());
        let refused = reply(request.header("content-type", kind).body(body.to_owned())).await.is(status);
        assert!(!refused.body.to_string().contains("Hidden"), "{refused:#?}");
    }
}
