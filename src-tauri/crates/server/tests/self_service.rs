//! The pages of people on the wire: an account made, used and changed; and what strangers and other sites get.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use api::{App, AppOptions};
use model::Secret;
use reqwest::{Client, RequestBuilder, header::HeaderMap, redirect::Policy};
use sandbox::hubspot::{Options as SandboxOptions, Sandbox};
use server::{ADMINISTRATOR, Administrator, HostNames, Options, OwnAccounts, Server};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

const PASSWORD: &str = "Correct Horse 7";

struct House {
    server: Server,
    app: Arc<App>,
    _folder: TempDir,
}

/// A browser: its cookies, and nothing else.
struct Browser<'h> {
    house: &'h House,
    client: Client,
    cookies: std::collections::BTreeMap<String, String>,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.text.contains(word), "`{word}` is missing: {self:#?}");
        }
        self
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn token(&self) -> String {
        self.hidden("form")
    }

    /// What a browser sends of the page's form when nobody touches it. It takes line breaks out of an `input`, and ends each line
    /// of a `textarea` with `\r\n`.
    fn untouched(&self) -> Vec<(String, String)> {
        let part = |tag: &str, from: &str, to: &str| {
            let begin = tag.find(from).map(|at| at + from.len())?;
            Some(tag[begin..].split(to).next()?.to_owned())
        };
        let form = self.text.split("</form>").next().unwrap();
        let fields = form.split('<').filter_map(|tag| {
            let name = part(tag, "name=\"", "\"")?;
            let value = match tag {
                tag if tag.starts_with("textarea") => {
                    part(tag, ">\n", "<")?.replace("\r\n", "\n").replace('\n', "\r\n")
                }
                tag if tag.starts_with("input") && !tag.contains("checkbox") => {
                    part(tag, "value=\"", "\"")?.replace(['\r', '\n'], "")
                }
                _ => return None,
            };
            Some((name, value))
        });
        fields.collect()
    }

    fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let at = self.text.find(&mark).unwrap_or_else(|| panic!("no `{name}`: {self:#?}")) + mark.len();
        self.text[at..].split('"').next().unwrap().to_owned()
    }
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = AppOptions {
            data_dir: folder.path().join("data"),
            passphrase: Some("a passphrase for tests".into()),
        };
        let app = App::open(options).await.unwrap();
        let server = serve(&app, Some(OwnAccounts::default())).await;
        Self { server, app, _folder: folder }
    }

    fn browser(&self) -> Browser<'_> {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Browser { house: self, client, cookies: Default::default() }
    }
}

async fn serve(app: &Arc<App>, self_service: Option<OwnAccounts>) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options {
        administrator: Administrator::Chosen(Secret::new("a password for tests")),
        hosts: HostNames::default(),
        certificate: None,
        self_service,
    };
    Server::start(Arc::clone(app), listener, options).unwrap()
}

impl Browser<'_> {
    async fn send(&mut self, request: RequestBuilder) -> Reply {
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            for word in ["HttpOnly", "SameSite=Strict", "Path=/people"] {
                assert!(line.contains(word), "{line}");
            }
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let reply = Reply { status, headers, text: response.text().await.unwrap() };
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{reply:#?}");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(!reply.text.contains("<script"), "{reply:#?}");
        reply
    }

    fn url(&self, path: &str) -> String {
        format!("{}/people{path}", self.house.server.url())
    }

    async fn get(&mut self, path: &str) -> Reply {
        let request = self.client.get(self.url(path));
        self.send(request).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let request = self.client.post(self.url(path)).form(fields);
        self.send(request).await
    }

    /// Loads a page and sends its form.
    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.get(path).await.is(200);
        let token = page.token();
        let revision =
            if page.text.contains("name=\"revision\"") { page.hidden("revision") } else { String::new() };
        let mut all = vec![("form", token.as_str()), ("revision", revision.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    async fn register(&mut self, name: &str) -> Reply {
        self.submit("/register", &person(name, PASSWORD)).await
    }

    async fn sign_in(&mut self, name: &str, password: &str) -> Reply {
        self.submit("/sign-in", &[("userName", name), ("password", password)]).await
    }
}

fn person<'a>(name: &'a str, password: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("userName", name),
        ("givenName", "Ann"),
        ("sn", "Lee"),
        ("mail", "ann@example.org"),
        ("password", password),
        ("passwordAgain", password),
        ("agree", "true"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_used_and_changed() {
    let house = House::open().await;
    let mut ann = house.browser();
    assert_eq!(ann.get("").await.is(303).header("location"), "/people/sign-in");
    ann.get("/register").await.is(200).says(&["Username", "autocomplete=\"new-password\"", "privacy policy"]);
    assert_eq!(ann.register("ann").await.is(303).header("location"), "/people/registered");
    ann.get("/registered").await.is(200).says(&["If the user name was free"]);

    assert_eq!(ann.sign_in("ANN", PASSWORD).await.is(303).header("location"), "/people/profile");
    ann.get("/profile").await.is(200).says(&["ann@example.org", "Your profile"]);
    assert_eq!(ann.get("/sign-in").await.is(303).header("location"), "/people/profile", "who is in stays in");
    let saved = ann
        .submit(
            "/profile",
            &[
                ("givenName", "Anna"),
                ("sn", "Lee"),
                ("mail", "anna@example.org"),
                ("city", "Bern"),
                ("accountStatus", "boss"),
            ],
        )
        .await;
    assert_eq!(saved.is(303).header("location"), "/people/profile?said=saved");
    ann.get("/profile?said=saved").await.is(200).says(&["Your profile was saved.", "Anna"]);

    let users = house
        .app
        .objects_list(serde_json::from_value(serde_json::json!({"kind": "user"})).unwrap())
        .await
        .unwrap();
    let user = &users.objects[0].attributes;
    assert_eq!(
        (&user["givenName"], &user["city"], &user["accountStatus"]),
        (&"Anna".into(), &"Bern".into(), &"active".into())
    );
    assert!(user["termsAccepted"]["termsVersion"].is_string(), "consent is kept: {user:#}");
    assert!(!user.to_string().contains("Horse"), "{user:#}");

    let weak = ann
        .submit("/password", &[("oldPassword", PASSWORD), ("password", "short"), ("passwordAgain", "short")])
        .await;
    weak.is(422).says(&["Please correct this"]);
    let wrong = ann
        .submit(
            "/password",
            &[("oldPassword", "wrong"), ("password", "Other Horse 8"), ("passwordAgain", "Other Horse 8")],
        )
        .await;
    wrong.is(422).says(&["current password is wrong"]);
    let mut elsewhere = house.browser();
    elsewhere.sign_in("ann", PASSWORD).await.is(303);
    let changed = ann
        .submit(
            "/password",
            &[("oldPassword", PASSWORD), ("password", "Other Horse 8"), ("passwordAgain", "Other Horse 8")],
        )
        .await;
    assert_eq!(changed.is(303).header("location"), "/people/sign-in?said=password");
    assert_eq!(
        elsewhere.get("/profile").await.is(303).header("location"),
        "/people/sign-in?said=ended",
        "other sessions end"
    );
    ann.sign_in("ann", PASSWORD).await.is(403);
    ann.sign_in("ann", "Other Horse 8").await.is(303);
    let profile = ann.get("/profile").await.is(200);
    let out = ann.post("/sign-out", &[("form", &profile.token())]).await.is(303);
    assert_eq!(out.header("location"), "/people/sign-in?said=out");
    ann.get("/profile").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_touched_stays_as_it_was() {
    let house = House::open().await;
    let mut ann = house.browser();
    ann.register("ann").await.is(303);
    let user = async || {
        let users = house
            .app
            .objects_list(serde_json::from_value(serde_json::json!({"kind": "user"})).unwrap())
            .await
            .unwrap();
        users.objects.into_iter().next().unwrap()
    };
    // With the carriage returns of a browser more than a form may hold.
    let long = "a line\n".repeat(280);
    let patch = serde_json::json!([
        {"operation": "add", "field": "/postalAddress", "value": "Street 1\nFloor 2"},
        {"operation": "add", "field": "/address2", "value": "\r\nAt the back\r\n"},
        {"operation": "add", "field": "/city", "value": "  Bern "},
        {"operation": "add", "field": "/description", "value": long},
    ]);
    let id = user().await.id;
    house.app.object_patch("user", &id, None, &patch).await.unwrap();
    ann.sign_in("ann", PASSWORD).await.is(303);

    let save = async |ann: &mut Browser<'_>, name: &str, value: &str| {
        let mut fields = ann.get("/profile").await.is(200).untouched();
        fields.iter_mut().find(|(n, _)| n == name).unwrap().1 = value.into();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        ann.post("/profile", &fields).await.is(303);
        user().await.attributes
    };
    let mut expected = user().await.attributes;
    expected["telephoneNumber"] = "+41 1".into();
    let saved = save(&mut ann, "telephoneNumber", "+41 1").await;
    assert_eq!(saved, expected, "only what was typed is another");

    expected["postalAddress"] = "Street 1\nFloor 3".into();
    assert_eq!(save(&mut ann, "postalAddress", "Street 1\r\nFloor 3").await, expected);
    expected["address2"] = "In front\r\nleft".into();
    assert_eq!(save(&mut ann, "address2", "In front\r\nleft").await, expected);
    assert!(save(&mut ann, "city", " ").await["city"].is_null(), "what is emptied is gone");
}

/// Each text is as long as a form takes, and on the way each of its characters is nine bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_many_long_texts_can_be_saved() {
    let house = House::open().await;
    let mut ann = house.browser();
    ann.register("ann").await.is(303);
    let users = house
        .app
        .objects_list(serde_json::from_value(serde_json::json!({"kind": "user"})).unwrap())
        .await
        .unwrap();
    let id = users.objects[0].id.clone();
    let texts =
        ["postalAddress", "address2", "city", "stateProvince", "postalCode", "country", "description"];
    let long = "€".repeat(1999);
    let patch: Vec<_> = texts
        .iter()
        .map(|name| serde_json::json!({"operation": "add", "field": format!("/{name}"), "value": long}))
        .collect();
    house.app.object_patch("user", &id, None, &patch.into()).await.unwrap();
    ann.sign_in("ann", PASSWORD).await.is(303);
    let mut fields = ann.get("/profile").await.is(200).untouched();
    for name in texts {
        assert!(fields.iter().any(|(n, value)| n == name && *value == long), "{name} is sent");
    }
    fields.iter_mut().find(|(name, _)| name == "telephoneNumber").unwrap().1 = "+41 1".into();
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(ann.post("/profile", &fields).await.is(303).header("location"), "/people/profile?said=saved");
    let saved = house.app.object_read("user", &id).await.unwrap().attributes;
    assert_eq!((&saved["telephoneNumber"], &saved["city"]), (&"+41 1".into(), &long.as_str().into()));

    fields.extend([("more", ""); 600]);
    ann.post("/profile", &fields).await.is(413);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_refused_is_said_at_its_field() {
    let house = House::open().await;
    let mut ann = house.browser();
    for (change, says) in [
        (("givenName", " "), "First Name is required."),
        (("mail", "nobody"), "Email Address"),
        (("password", "short"), "aria-invalid"),
        (("passwordAgain", "Another 12345"), "not the same"),
        (("agree", ""), "has to be agreed to"),
        (("sn", "\"><script>alert(1)</script>"), "&quot;&gt;&lt;script&gt;"),
    ] {
        let mut fields: Vec<(&str, &str)> =
            person("ann", PASSWORD).into_iter().filter(|(name, _)| *name != change.0).collect();
        match change {
            ("agree", _) => {}
            ("sn", _) => fields.extend([change, ("mail2", "x")]),
            change => fields.push(change),
        }
        if change.0 == "sn" {
            fields.retain(|(name, _)| *name != "mail");
        }
        ann.submit("/register", &fields).await.is(422).says(&["Please correct this", says]);
    }
    let users = house
        .app
        .objects_list(serde_json::from_value(serde_json::json!({"kind": "user"})).unwrap())
        .await
        .unwrap();
    assert_eq!(users.objects.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_has_an_account() {
    let house = House::open().await;
    let mut ann = house.browser();
    ann.register("ann").await.is(303);
    let mut other = house.browser();
    let mut taken = person("ANN", "Other Horse 8");
    taken[1] = ("givenName", "Mallory");
    let again = other.submit("/register", &taken).await;
    assert_eq!(again.is(303).header("location"), "/people/registered", "as if it were new");
    let (no_one, wrong) =
        (other.sign_in("nobody", PASSWORD).await, other.sign_in("ann", "Other Horse 8").await);
    assert_eq!((no_one.status, wrong.status), (403, 403));
    let plain = |reply: &Reply| reply.text.replace("nobody", "X").replace("value=\"ann\"", "value=\"X\"");
    assert_eq!(plain(&no_one), plain(&wrong));
    ann.sign_in("ann", PASSWORD).await.is(303);
    ann.get("/profile").await.is(200).says(&["value=\"Ann\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_and_old_forms_do_nothing() {
    let house = House::open().await;
    let mut ann = house.browser();
    ann.register("ann").await.is(303);
    let token = ann.get("/sign-in").await.is(200).token();
    let mut stranger = house.browser();
    let fields = [("userName", "ann"), ("password", PASSWORD)];
    stranger.post("/sign-in", &fields).await.is(403).says(&["too old"]);
    stranger.post("/sign-in", &[("form", token.as_str()), fields[0], fields[1]]).await.is(403);
    ann.sign_in("ann", PASSWORD).await.is(303);
    ann.post("/profile", &[("form", token.as_str()), ("sn", "Taken")]).await.is(403);
    ann.post("/sign-out", &[]).await.is(403);
    ann.get("/profile").await.is(200);
    let foreign = ann.client.post(ann.url("/sign-out")).header("origin", "https://evil.test").form(&fields);
    let foreign = foreign.send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let own = ann.client.get(ann.url("/profile")).header("host", "evil.test").send().await.unwrap();
    assert_eq!(own.status(), 403);
    let json = ann.client.post(ann.url("/sign-out")).json(&serde_json::json!({}));
    ann.send(json).await.is(415);
    let long = "x".repeat(70_000);
    ann.post("/profile", &[("sn", long.as_str())]).await.is(413);
    let put = ann.client.put(ann.url("/profile")).send().await.unwrap();
    assert_eq!(put.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_the_servers_own_and_new_with_every_sign_in() {
    let house = House::open().await;
    let mut ann = house.browser();
    ann.register("ann").await.is(303);
    // A session that somebody else planted in the browser is none, and does not become one.
    let planted = "ab".repeat(32);
    ann.cookies.insert("concord_session".into(), planted.clone());
    ann.get("/profile").await.is(303);
    ann.sign_in("ann", PASSWORD).await.is(303);
    let first = ann.cookies["concord_session"].clone();
    assert_ne!(first, planted);
    assert_eq!(first.len(), 64, "256 random bits");
    let mut stranger = house.browser();
    stranger.cookies.insert("concord_session".into(), planted);
    assert_eq!(stranger.get("/profile").await.is(303).header("location"), "/people/sign-in?said=ended");
    // Signing in again ends the session before it, and its forms with it.
    let token = ann.get("/profile").await.is(200).token();
    let fields = [("form", token.as_str()), ("userName", "ann"), ("password", PASSWORD)];
    ann.post("/sign-in", &fields).await.is(303);
    let second = ann.cookies["concord_session"].clone();
    assert_ne!(second, first);
    stranger.cookies.insert("concord_session".into(), first);
    stranger.get("/profile").await.is(303);
    ann.post("/profile", &[("form", token.as_str()), ("sn", "Taken")]).await.is(403);
    ann.get("/profile").await.is(200).says(&["value=\"Lee\""]);
    let page = ann.get("/profile").await.is(200);
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(header), value, "{header}: {:#?}", page.headers);
    }
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(page.header("content-security-policy").contains(part), "{part}: {:#?}", page.headers);
    }
    // What belongs to somebody is for nobody's cache, and a session's end takes its cookie away.
    ann.post("/sign-out", &[("form", page.token().as_str())]).await.is(303);
    assert!(!ann.cookies.contains_key("concord_session"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_ends_ends_its_sessions() {
    let house = House::open().await;
    let mut ann = house.browser();
    ann.register("ann").await.is(303);
    ann.sign_in("ann", PASSWORD).await.is(303);
    let users = house
        .app
        .objects_list(serde_json::from_value(serde_json::json!({"kind": "user"})).unwrap())
        .await
        .unwrap();
    let id = users.objects[0].id.clone();
    let off = serde_json::json!([{"operation": "replace", "field": "/accountStatus", "value": "inactive"}]);
    house.app.object_patch("user", &id, None, &off).await.unwrap();
    assert_eq!(ann.get("/profile").await.is(303).header("location"), "/people/sign-in?said=ended");
    ann.sign_in("ann", PASSWORD).await.is(403);
    let on = serde_json::json!([{"operation": "replace", "field": "/accountStatus", "value": "active"}]);
    house.app.object_patch("user", &id, None, &on).await.unwrap();
    assert_eq!(
        ann.get("/profile").await.is(303).header("location"),
        "/people/sign-in?said=ended",
        "for good"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_somebody_else_sets_ends_the_sessions_before_it() {
    let house = House::open().await;
    let (mut thief, mut ann) = (house.browser(), house.browser());
    ann.register("ann").await.is(303);
    thief.sign_in("ann", PASSWORD).await.is(303);
    thief.get("/profile").await.is(200);
    let users = house
        .app
        .objects_list(serde_json::from_value(serde_json::json!({"kind": "user"})).unwrap())
        .await
        .unwrap();
    let id = users.objects[0].id.clone();
    let set = async |password: &str| {
        let patch = serde_json::json!([{"operation": "replace", "field": "/password", "value": password}]);
        house.app.object_patch("user", &id, None, &patch).await.unwrap();
    };
    set("Other Horse 8").await;
    ann.sign_in("ann", "Other Horse 8").await.is(303);
    assert_eq!(thief.get("/profile").await.is(303).header("location"), "/people/sign-in?said=ended");
    ann.get("/profile").await.is(200);
    let other = serde_json::json!([{"operation": "replace", "field": "/city", "value": "Bern"}]);
    house.app.object_patch("user", &id, None, &other).await.unwrap();
    ann.get("/profile").await.is(200).says(&["Bern"]);
    set("Other Horse 8").await;
    ann.get("/profile").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods, reason = "how long an answer takes is what this is about")]
async fn guesses_and_accounts_in_bulk_are_slowed() {
    let house = House::open().await;
    let mut bot = house.browser();
    let page = bot.get("/register").await.is(200);
    let mut statuses = Vec::new();
    for _ in 0..25 {
        let fields = [("form", page.token()), ("userName", "bot".into())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        statuses.push(bot.post("/register", &fields).await.status);
    }
    let taken = statuses.iter().filter(|status| **status == 422).count();
    assert!((20..25).contains(&taken), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 25 - taken, "{statuses:?}");
    let begun = std::time::Instant::now();
    for _ in 0..4 {
        bot.sign_in("ann", "wrong").await.is(403);
    }
    assert!(begun.elapsed() >= std::time::Duration::from_millis(2500), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_names_who_gets_the_data_and_is_agreed_to_again_when_it_changes() {
    let mut house = House::open().await;
    let mut ann = house.browser();
    ann.get("/privacy").await.is(200).says(&["not passed on to any other system"]);
    ann.register("ann").await.is(303);

    // A change of the profile goes to HubSpot by implicit sync.
    let options =
        SandboxOptions { records: 0, access_token: Some("test-token-1".into()), ..SandboxOptions::default() };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let hubspot = Sandbox::start(listener, options).await.unwrap();
    house.app.sample_setup(&hubspot.url(), "test-token-1").await.unwrap();
    assert_eq!(ann.sign_in("ann", PASSWORD).await.is(303).header("location"), "/people/consent");
    ann.get("/profile").await.is(303);
    ann.get("/consent").await.is(200).says(&["HubSpot"]);
    ann.submit("/consent", &[]).await.says(&["has to be agreed to"]);
    ann.submit("/consent", &[("agree", "true")]).await.is(303);
    ann.submit("/profile", &[("givenName", "Ann"), ("sn", "Berger"), ("mail", "ann@example.org")])
        .await
        .is(303);
    let admin = Client::builder().no_proxy().build().unwrap();
    let url = format!(
        "{}/openidm/system/hubspot/contact?_queryFilter=lastname+eq+%22Berger%22",
        house.server.url()
    );
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    let mut found = 0;
    for _ in 0..1500 {
        ticks.tick().await;
        let request = admin.get(&url).basic_auth(ADMINISTRATOR, Some("a password for tests"));
        let text = request.send().await.unwrap().text().await.unwrap();
        let list: serde_json::Value = serde_json::from_str(&text).unwrap();
        found = list["resultCount"].as_u64().unwrap_or_default();
        if found > 0 {
            break;
        }
    }
    assert_eq!(found, 1, "HubSpot has what the person saved");

    let own = OwnAccounts { privacy_policy: Some("We sell nothing <b>".into()) };
    house.server = serve(&house.app, Some(own)).await;
    let mut ann = house.browser();
    ann.get("/privacy").await.is(200).says(&["We sell nothing &lt;b&gt;"]);
    assert_eq!(
        ann.sign_in("ann", PASSWORD).await.is(303).header("location"),
        "/people/consent",
        "another policy"
    );
}

/// Forms that never come whole take every place of the pages, and none of those with credentials.
#[tokio::test(flavor = "multi_thread")]
async fn who_dawdles_at_the_pages_keeps_nobody_from_rest() {
    let house = House::open().await;
    let address = house.server.url().trim_start_matches("http://").to_owned();
    let head = "POST /people/sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nuser";
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let client = Client::builder().no_proxy().build().unwrap();
    let page = format!("{}/people/sign-in", house.server.url());
    let briefly = std::time::Duration::from_millis(500);
    // Until all of them have arrived.
    while client.get(&page).timeout(briefly).send().await.is_ok() {}
    let ping = client.get(format!("{}/openidm/info/ping", house.server.url()));
    let answer = ping.basic_auth(ADMINISTRATOR, Some("a password for tests")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_switch_there_are_no_pages() {
    let mut house = House::open().await;
    house.server = serve(&house.app, None).await;
    let client = Client::builder().no_proxy().build().unwrap();
    for path in ["", "/register", "/sign-in", "/style.css"] {
        let answer = client.get(format!("{}/people{path}", house.server.url())).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
}
