//! Signing in, limits, faults, the control paths and the page for a person.
// A broken set-up may end the test, in the helpers too.
#![allow(clippy::unwrap_used)]

mod common;
mod salesforce_bench;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{Reply, read};
use salesforce_bench::{Answered as _, Bench, start};
use sandbox::salesforce::{Action, Consent, Fault, Limits, Options, load_faults};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const CALLBACK: &str = "http://localhost:1717/cb";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-everybody";
const TOKEN: &str = "/services/oauth2/token";

async fn signing_in(change: impl FnOnce(&mut Options)) -> Bench {
    start(|options| {
        options.consent = Consent::Allow;
        change(options);
    })
    .await
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// Where the authorize page leads.
async fn authorize(bench: &Bench, more: &[(&str, &str)]) -> Reply {
    let base = [
        ("response_type", "code"),
        ("client_id", "sandbox-consumer-key"),
        ("redirect_uri", CALLBACK),
        ("state", "s 1"),
    ];
    let given: Vec<_> =
        base.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)).chain(more).collect();
    let url = format!("{}/services/oauth2/authorize", bench.url);
    read(bench.client.get(url).query(&given)).await.unwrap()
}

fn parameter(reply: &Reply, name: &str) -> String {
    let url = url::Url::parse(reply.header("location")).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

async fn redeem(bench: &Bench, code: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", "sandbox-consumer-key"),
        ("redirect_uri", CALLBACK),
    ];
    form.extend_from_slice(more);
    bench.form(TOKEN, &form).await
}

async fn refresh(bench: &Bench, token: &str) -> Reply {
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "sandbox-consumer-key")];
    bench.form(TOKEN, &form).await
}

async fn tokens(bench: &Bench) -> Reply {
    let code = parameter(&authorize(bench, &[("code_challenge", &challenge())]).await, "code");
    redeem(bench, &code, &[("code_verifier", VERIFIER)]).await
}

#[tokio::test]
async fn proofs() {
    let bench = signing_in(|_| {}).await;
    let secret = ("client_secret", "sandbox-consumer-secret");
    let (right, wrong) = (("code_verifier", VERIFIER), ("code_verifier", "another"));
    // with a challenge, what the token request brings, status and error
    let table: &[(bool, &[(&str, &str)], u16, &str)] = &[
        (true, &[right], 200, ""),
        (true, &[right, secret], 200, ""),
        (true, &[wrong, secret], 400, "invalid_request"),
        (true, &[secret], 400, "invalid_grant"),
        (true, &[right, ("client_secret", "wrong")], 400, "invalid_client"),
        (false, &[secret], 200, ""),
        (false, &[], 400, "invalid_client"),
    ];
    for (with_challenge, proof, status, error) in table {
        let challenge = challenge();
        let asked: &[(&str, &str)] = if *with_challenge { &[("code_challenge", &challenge)] } else { &[] };
        let code = parameter(&authorize(&bench, asked).await, "code");
        let got = redeem(&bench, &code, proof).await;
        assert_eq!((got.status, got.at("/error").as_str()), (*status, *error), "{proof:?}: {}", got.text);
        let again = redeem(&bench, &code, proof).await;
        assert_eq!(again.status, 400, "a code works once");
    }
    let strict = signing_in(|options| {
        options.require_secret = true;
        options.require_pkce = true;
    })
    .await;
    assert_eq!(parameter(&authorize(&strict, &[]).await, "error"), "invalid_request");
    let code = parameter(&authorize(&strict, &[("code_challenge", &challenge())]).await, "code");
    assert_eq!(redeem(&strict, &code, &[right]).await.at("/error"), "invalid_client");
}

#[tokio::test]
async fn the_authorize_page() {
    let bench = signing_in(|_| {}).await;
    let back = authorize(&bench, &[]).await;
    assert_eq!((back.status, parameter(&back, "state").as_str()), (302, "s 1"));
    for (name, value, word) in [
        ("client_id", "other", "invalid_client_id"),
        ("redirect_uri", "https://evil.test/cb", "redirect_uri_mismatch"),
    ] {
        let shown = authorize(&bench, &[(name, value)]).await;
        assert!(shown.status == 400 && shown.text.contains(word), "{}", shown.text);
    }
    for (name, value, error) in [
        ("scope", "api everything", "invalid_scope"),
        ("response_type", "token", "unsupported_response_type"),
    ] {
        assert_eq!(parameter(&authorize(&bench, &[(name, value)]).await, "error"), error);
    }
    let plain = authorize(&bench, &[("code_challenge", "x"), ("code_challenge_method", "plain")]).await;
    assert_eq!(parameter(&plain, "error"), "invalid_request");
    for (consent, error, words) in [
        (Consent::Deny, "access_denied", "end-user denied authorization"),
        (Consent::Blocked, "invalid_client", "app must be installed into org"),
    ] {
        let bench = signing_in(|options| options.consent = consent).await;
        let back = authorize(&bench, &[]).await;
        let told = (parameter(&back, "error"), parameter(&back, "error_description"));
        assert_eq!(told, (error.to_owned(), words.to_owned()));
    }
    let bench = signing_in(|options| {
        options.consent = Consent::Ask;
        options.app_name = "<i>App</i>".into();
    })
    .await;
    for (decision, parameter_name) in [("allow", "code"), ("deny", "error")] {
        let page = authorize(&bench, &[]).await;
        assert!(page.text.contains("&lt;i&gt;App") && !page.text.contains("<i>"), "{}", page.text);
        let id = page.text.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = [("request", id), ("decision", decision)];
        let back = bench.form("/services/oauth2/authorize/decision", &form).await;
        assert!(!parameter(&back, parameter_name).is_empty());
        assert_eq!(bench.form("/services/oauth2/authorize/decision", &form).await.status, 400);
    }
}

#[tokio::test]
async fn sessions_and_refreshes() {
    let mut bench = signing_in(|_| {}).await;
    let first = tokens(&bench).await;
    assert_eq!(first.at("/token_type"), "Bearer");
    assert_eq!(first.at("/instance_url"), bench.url);
    assert_eq!(first.at("/issued_at"), common::START.to_string());
    assert!(first.body.get("expires_in").is_none() && first.at("/access_token").starts_with("00DSb0"));
    bench.token = first.at("/access_token");
    assert_eq!(bench.get("/limits").await.status, 200);
    let identity = first.at("/id");
    let identity = bench.get(identity.strip_prefix(&bench.url).unwrap()).await;
    assert_eq!(identity.at("/username"), "integration@sandbox.example.com");
    assert_eq!(bench.get("/services/oauth2/userinfo").await.at("/user_id"), identity.at("/user_id"));
    let other_org = bench.get(&format!("/id/00D000000000001EAA/{}", identity.at("/user_id"))).await;
    assert_eq!(other_org.status, 403);
    bench.clock.advance(7_200_000);
    let ended = bench.get("/limits").await;
    assert_eq!((ended.status, ended.code().as_str()), (401, "INVALID_SESSION_ID"));
    bench.org.set_instance_url(Some("http://localhost:9".into()));
    let renewed = refresh(&bench, &first.at("/refresh_token")).await;
    assert_eq!(renewed.at("/instance_url"), "http://localhost:9");
    assert!(renewed.body.get("refresh_token").is_none());
    bench.token = renewed.at("/access_token");
    assert_eq!(bench.get("/limits").await.status, 200);
    let about = |token: &str| {
        let form = [("token", token.to_owned()), ("client_id", "sandbox-consumer-key".to_owned())];
        bench.client.post(format!("{}/services/oauth2/introspect", bench.url)).form(&form)
    };
    let told = read(about(&bench.token)).await.unwrap();
    assert_eq!((told.at("/active").as_str(), told.at("/token_type").as_str()), ("true", "access_token"));
    assert_eq!(read(about("nobody")).await.unwrap().body, json!({"active": false}));
    let revoke = [("token", first.body["refresh_token"].as_str().unwrap())];
    assert_eq!(bench.form("/services/oauth2/revoke", &revoke).await.status, 200);
    assert_eq!(bench.form("/services/oauth2/revoke", &revoke).await.at("/error"), "invalid_token");
    assert_eq!(bench.get("/limits").await.status, 401);
    assert_eq!(refresh(&bench, &first.at("/refresh_token")).await.at("/error"), "invalid_grant");
}

#[tokio::test]
async fn rotation() {
    let bench = signing_in(|options| options.rotate_refresh_tokens = true).await;
    let mut current = tokens(&bench).await.at("/refresh_token");
    let first = current.clone();
    for _ in 0..5 {
        let renewed = refresh(&bench, &current).await;
        assert_ne!(renewed.at("/refresh_token"), current);
        current = renewed.at("/refresh_token");
    }
    let counts = bench.org.tokens();
    assert_eq!((counts.refreshes, counts.reuses, counts.grants), (5, 0, 1));
    assert_eq!(refresh(&bench, &first).await.at("/error"), "invalid_grant");
    assert_eq!(refresh(&bench, &current).await.at("/error"), "invalid_grant");
    assert_eq!((bench.org.tokens().reuses, bench.org.tokens().grants), (1, 0));
    // A refresh whose answer is lost has rotated all the same.
    let current = tokens(&bench).await.at("/refresh_token");
    bench.org.add_fault(Fault::on(TOKEN, Action::LoseAnswer));
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", &current), ("client_id", "sandbox-consumer-key")];
    assert!(read(bench.client.post(format!("{}{TOKEN}", bench.url)).form(&form)).await.is_err());
    assert_eq!(refresh(&bench, &current).await.at("/error"), "invalid_grant");
}

#[tokio::test]
async fn client_credentials() {
    let mut bench = signing_in(|_| {}).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "sandbox-consumer-key")];
    assert_eq!(bench.form(TOKEN, &form).await.at("/error"), "invalid_client");
    let basic =
        bench.client.post(format!("{}{TOKEN}", bench.url)).form(&[("grant_type", "client_credentials")]);
    let got = read(basic.basic_auth("sandbox-consumer-key", Some("sandbox-consumer-secret"))).await.unwrap();
    assert!(got.body.get("refresh_token").is_none());
    bench.token = got.at("/access_token");
    assert_eq!(bench.get("/sobjects").await.status, 200);
    let without = signing_in(|options| options.client_credentials = false).await;
    let form = [form[0], form[1], ("client_secret", "sandbox-consumer-secret")];
    assert_eq!(without.form(TOKEN, &form).await.at("/error"), "invalid_grant");
}

#[tokio::test]
async fn limits() {
    let bench = start(|options| options.limits = Limits { daily: Some(3), ..Limits::UNLIMITED }).await;
    for used in 1..=3 {
        let got = bench.get("/limits").await;
        assert_eq!((got.status, got.at("/DailyApiRequests/Remaining")), (200, (3 - used).to_string()));
        assert!(got.header("sforce-limit-info").starts_with(&format!("api-usage={used}/3")));
    }
    let refused = bench.get("/limits").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert!(refused.text.contains("TotalRequests Limit exceeded."));
    // The list of versions costs nothing and needs no session.
    assert_eq!(read(bench.client.get(format!("{}/services/data/", bench.url))).await.unwrap().status, 200);
    bench.clock.advance(86_400_000);
    assert_eq!(bench.get("/limits").await.status, 200);
    assert_eq!(bench.get("/services/data/v29.0/limits").await.status, 200, "IDM asks for this version");
}

#[tokio::test]
async fn faults() {
    let bench = start(|options| options.records = 30).await;
    let document = r#"{
        "faults": [
            {"path": "*/query", "action": {"answer": {"status": 503, "body": "<html>Down</html>"}}},
            {"path": "*/query", "nth": 2, "action": {"answer": {"status": 401}}},
            {"path": "*/query", "nth": 3, "action": {"tooManyRequests": {"policy": "ConcurrentRequests (ConcurrentPerOrgLongTxn)"}}},
            {"path": "*/query", "nth": 4, "action": "html"},
            {"path": "*/query", "nth": 5, "action": "truncatedJson"}
        ],
        "rows": [
            {"object": "User", "operation": "update", "field": "Title", "value": "Locked*", "code": "UNABLE_TO_LOCK_ROW"},
            {"object": "Contact", "operation": "create", "field": "LastName", "value": "Double", "times": "always",
             "code": "DUPLICATES_DETECTED"}
        ]}"#;
    bench.org.set_faults(load_faults(document).unwrap());
    let query = async || bench.query("SELECT Id FROM User LIMIT 2").await;
    let down = query().await;
    assert!(down.status == 503 && down.text.contains("Down"));
    assert_eq!(query().await.code(), "INVALID_SESSION_ID");
    let limited = query().await;
    assert_eq!((limited.status, limited.code().as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert!(limited.text.contains("ConcurrentPerOrgLongTxn"));
    assert!(query().await.text.starts_with("<!doctype html>"));
    let cut = query().await;
    assert_eq!((cut.status, cut.body), (200, Value::Null));
    assert_eq!(query().await.records().len(), 2);
    let user = bench.org.records("User")[5].id.clone();
    let path = format!("/sobjects/User/{user}");
    let locked = bench.call("PATCH", &path, json!({"Title": "Locked out"})).await;
    assert_eq!((locked.status, locked.code().as_str()), (400, "UNABLE_TO_LOCK_ROW"));
    assert_eq!(bench.call("PATCH", &path, json!({"Title": "Locked out"})).await.status, 204);
    let double = json!({"LastName": "Double"});
    let found = bench.call("POST", "/sobjects/Contact", double.clone()).await;
    assert_eq!(found.code(), "DUPLICATES_DETECTED");
    assert!(!found.at("/0/duplicateResut/matchResults/0/matchRecords/0/record/Id").is_empty());
    let forced = bench.request("POST", "/sobjects/Contact").json(&double);
    let forced = forced.header("Sforce-Duplicate-Rule-Header", "allowSave=true; includeRecordDetails=false");
    assert_eq!(read(forced).await.unwrap().status, 201);
    // Lost after the work, and lost before it.
    for (action, done) in
        [(Action::LoseAnswer, true), (Action::ResetBeforeAnswer, false), (Action::CutBody, true)]
    {
        bench.org.reset_calls();
        bench.org.add_fault(Fault::on("*/sobjects/Lead", action.clone()));
        let lead = bench.request("POST", "/sobjects/Lead").json(&json!({"LastName": "L", "Company": "C"}));
        assert!(read(lead).await.is_err(), "{action:?}");
        assert_eq!(bench.org.writes().len(), usize::from(done), "{action:?}");
        assert_eq!(bench.org.calls().last().map(|call| call.status), Some(0));
        bench.org.clear_faults();
    }
}

#[tokio::test]
async fn control_paths() {
    let bench = start(|options| options.records = 5).await;
    let control = async |method: &str, path: &str, body: Value| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = bench.client.request(method, format!("{}/__sandbox/{path}", bench.url));
        read(request.json(&body)).await.unwrap()
    };
    let made = control("POST", "Contact", json!({"LastName": "By hand"})).await;
    let path = format!("Contact/{}", made.at("/id"));
    assert_eq!(control("POST", &path, json!({"Title": "Boss"})).await.at("/fields/Title"), "Boss");
    assert_eq!(control("POST", &path, json!({"Title": null, "Colour": 1})).await.status, 400);
    assert_eq!(control("DELETE", &path, json!({})).await.status, 204);
    assert_eq!(control("GET", &path, json!({})).await.at("/isDeleted"), "true");
    assert_eq!(control("POST", &format!("{path}/undelete"), json!({})).await.status, 204);
    assert_eq!(control("GET", "Contact", json!({})).await.at("/total"), "2");
    let before = control("POST", "clock", json!({"advanceMs": 0})).await.body["now"].as_i64().unwrap();
    let after = control("POST", "clock", json!({"advanceMs": 1500})).await.body["now"].as_i64().unwrap();
    assert_eq!(after - before, 1500);
    assert_eq!(control("POST", "clock", json!({"advanceMs": -1})).await.status, 400);
    let fault = json!({"faults": [{"action": {"answer": {"status": 500}}}]});
    assert_eq!(control("POST", "faults", fault).await.status, 204);
    assert_eq!(bench.get("/limits").await.status, 500);
    assert_eq!(control("POST", "faults", json!({"faults": [{"action": "explode"}]})).await.status, 400);
    let state = control("GET", "state", json!({})).await;
    assert_eq!((state.at("/records/Contact").as_str(), state.at("/callCount").as_str()), ("2", "1"));
    assert_eq!(control("POST", "reset", json!({})).await.status, 204);
    let state = control("GET", "state", json!({})).await;
    assert_eq!((state.at("/records/Contact").as_str(), state.at("/callCount").as_str()), ("1", "0"));
    for path in ["nope", "Nope/1", "Contact/nope"] {
        assert_eq!(control("GET", path, json!({})).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_page_for_a_person() {
    let bench = start(|options| options.records = 60).await;
    let show = async |path: &str| read(bench.client.get(format!("{}{path}", bench.url))).await.unwrap();
    let send = async |path: &str, form: &[(&str, &str)]| bench.form(path, form).await;
    let home = show("/").await;
    assert!(home.text.contains("62 Users") && home.text.contains("Next page"));
    let made =
        send("/look/Contact/new", &[("LastName", "<script>alert(1)</script>"), ("Title", "\"Boss\"")]).await;
    assert_eq!(made.status, 303);
    let path = made.header("location").to_owned();
    let form = show(&path).await;
    assert!(form.text.contains("&lt;script&gt;") && !form.text.contains("<script>"), "{}", form.text);
    assert!(!show("/look/Contact").await.text.contains("<script>"));
    bench.org.reset_calls();
    assert_eq!(send(&path, &[("LastName", "<script>alert(1)</script>"), ("Title", "")]).await.status, 303);
    let writes = bench.org.writes();
    assert_eq!((writes.len(), &writes[0].fields[..]), (1, &[("Title", String::new())][..]));
    assert!(!writes[0].api);
    let refused = send(&path, &[("Email", "<b>nowhere")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("invalid email address: &lt;b&gt;nowhere"), "{}", refused.text);
    assert_eq!(send(&format!("{path}/delete"), &[]).await.status, 303);
    assert!(show(&path).await.text.contains("Restore"));
    assert_eq!(send(&format!("{path}/undelete"), &[]).await.status, 303);
    assert_eq!(show("/look/Contact/new").await.status, 200);
    let user = bench.org.records("User")[7].id.clone();
    let user = show(&format!("/look/User/{user}")).await;
    assert!(!user.text.contains("Delete") && user.text.contains("Standard User"), "{}", user.text);
    for path in ["/look", "/look/Nope", "/look/User/1", "/look/Profile/new"] {
        assert_eq!(show(path).await.status, 404, "{path}");
    }
    assert_eq!(bench.org.call_count(), 0);
    let foreign = bench.client.post(format!("{}{path}", bench.url)).header("origin", "http://evil.test");
    assert_eq!(read(foreign).await.unwrap().status, 421);
    let foreign = bench.client.get(&bench.url).header("host", "evil.test");
    assert_eq!(read(foreign).await.unwrap().status, 421);
}

#[tokio::test]
async fn bodies_are_compressed_both_ways() {
    use std::io::{Read as _, Write as _};
    let bench = start(|options| options.records = 200).await;
    // A client that unpacks nothing by itself.
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let url = format!("{}/services/data/v66.0/query?q=SELECT+Id,Username,Email+FROM+User", bench.url);
    let ask = async |encoding: &'static str| {
        let request = client.get(&url).bearer_auth(&bench.token).header("accept-encoding", encoding);
        request.send().await.unwrap()
    };
    let plain = ask("identity").await;
    assert!(plain.headers().get("content-encoding").is_none());
    let plain = plain.bytes().await.unwrap();
    for refusing in ["gzip;q=0", "br"] {
        assert!(ask(refusing).await.headers().get("content-encoding").is_none(), "{refusing}");
    }
    let packed = ask("gzip,deflate").await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.len() * 4 < plain.len(), "{} of {}", packed.len(), plain.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.as_ref()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"Name": "Packed"}"#).unwrap();
    let request = bench.request("POST", "/sobjects/Account").header("content-type", "application/json");
    let made = request.header("content-encoding", "gzip").body(encoder.finish().unwrap());
    assert_eq!(read(made).await.unwrap().status, 201);
    assert!(bench.org.find("Account", "Name", "Packed").is_some());
    let broken =
        bench.request("POST", "/sobjects/Account").header("content-encoding", "gzip").body("no gzip");
    assert_eq!(read(broken).await.unwrap().status, 400);
}
