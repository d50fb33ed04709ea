//! Who may call, how often, and the OAuth dance.
// The steps of the OAuth dance are helpers here, and a broken step may end the test.
#![allow(clippy::unwrap_used)]

mod common;
mod hubspot_bench;

use common::read;
use hubspot_bench::{Bench, start};
use sandbox::hubspot::{Consent, Options};
use sandbox::limits::Limits;
use serde_json::json;

const BACK: &str = "http://localhost:5000/callback";
/// Verifier and challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorize(extra: &str) -> String {
    format!(
        "/oauth/authorize?client_id=sandbox-client&redirect_uri=http%3A%2F%2Flocalhost%3A5000%2Fcallback&scope=oauth%20crm.objects.contacts.read&state=s%201{extra}"
    )
}

async fn code(bench: &Bench, extra: &str) -> String {
    let reply = read(bench.client.get(format!("{}{}", bench.url, authorize(extra)))).await.unwrap();
    assert_eq!(reply.status, 302, "{}", reply.text);
    let location = url::Url::parse(reply.headers["location"].to_str().unwrap()).unwrap();
    assert!(location.query_pairs().any(|(key, value)| key == "state" && value == "s 1"));
    location.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned()
}

fn redeem<'a>(code: &'a str, verifier: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", "sandbox-client"),
        ("client_secret", "sandbox-secret"),
        ("redirect_uri", BACK),
        ("code", code),
        ("code_verifier", verifier),
    ]
}

fn renew(token: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "refresh_token"),
        ("client_id", "sandbox-client"),
        ("client_secret", "sandbox-secret"),
        ("refresh_token", token),
    ]
}

fn allowing(options: &mut Options) {
    options.consent = Consent::Allow;
}

#[tokio::test]
async fn a_person_allows_or_denies_on_a_page() {
    let bench = start(|options| options.app_name = "<b>App</b>".to_owned()).await;
    for (decision, expected) in [("allow", "code="), ("deny", "error=access_denied")] {
        let page = read(bench.client.get(format!("{}{}", bench.url, authorize("")))).await.unwrap();
        assert_eq!(page.status, 200);
        assert!(page.text.contains("&lt;b&gt;App&lt;/b&gt;") && !page.text.contains("<b>App"));
        assert!(
            page.text.contains("View contacts")
                && page.text.contains(">Allow</button>")
                && page.text.contains(">Deny</button>")
        );
        let id = page.text.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let answer =
            bench.form("/oauth/authorize/decision", &[("request", id), ("decision", decision)]).await;
        let location = answer.headers["location"].to_str().unwrap();
        assert!(
            answer.status == 302 && location.starts_with(BACK) && location.contains(expected),
            "{location}"
        );
        let again = bench.form("/oauth/authorize/decision", &[("request", id), ("decision", "allow")]).await;
        assert_eq!(again.status, 400);
    }
}

#[tokio::test]
async fn a_wrong_question_never_reaches_the_redirect_address() {
    let bench = start(|options| {
        allowing(options);
        options.redirect_uris = vec!["https://app.example.com/back".to_owned()];
    })
    .await;
    let good = [("client_id", "sandbox-client"), ("redirect_uri", BACK), ("scope", "oauth")];
    // the field that is replaced, its value, the status
    for (field, value, status) in [
        ("state", "x", 302),
        ("client_id", "other", 400),
        ("redirect_uri", "https://evil.example.com/", 400),
        ("redirect_uri", "http://localhost.evil.example.com/", 400),
        ("redirect_uri", "https://app.example.com/back", 302),
        ("redirect_uri", "http://127.0.0.1:9/x", 302),
        ("redirect_uri", "", 400),
        ("scope", "", 400),
        ("scope", "oauth contacts", 400),
        ("optional_scope", "crm.lists.read nonsense", 302),
        ("code_challenge", "abc", 400),
    ] {
        let mut fields: Vec<_> = good.iter().copied().filter(|(name, _)| *name != field).collect();
        fields.push((field, value));
        let reply =
            bench.client.get(format!("{}/oauth/authorize", bench.url)).query(&fields).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), status, "{field}={value}");
        assert_eq!(reply.headers().contains_key("location"), status == 302);
    }
}

#[tokio::test]
async fn a_code_is_redeemed_once_by_who_asked_for_it() {
    let bench = start(allowing).await;
    let challenge = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    for path in ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token"] {
        let fresh = code(&bench, &challenge).await;
        let got = bench.form(path, &redeem(&fresh, VERIFIER)).await;
        assert_eq!(
            (got.status, got.at("/token_type"), got.at("/expires_in")),
            (200, "bearer".to_owned(), "1800".to_owned()),
            "{path}"
        );
        assert_eq!(got.body.get("hub_id").is_some(), path != "/oauth/v1/token");
        let again = bench.form(path, &redeem(&fresh, VERIFIER)).await;
        assert_eq!(
            (again.status, again.at("/status"), again.at("/error")),
            (400, "BAD_AUTH_CODE".to_owned(), "invalid_grant".to_owned())
        );
    }
    let wrong = code(&bench, &challenge).await;
    assert_eq!(bench.form("/oauth/v1/token", &redeem(&wrong, "other")).await.status, 400);
    assert_eq!(bench.form("/oauth/v1/token", &redeem(&wrong, VERIFIER)).await.at("/status"), "BAD_AUTH_CODE");
    let late = code(&bench, "").await;
    bench.clock.advance(60_000);
    assert_eq!(bench.form("/oauth/v1/token", &redeem(&late, "")).await.at("/status"), "BAD_AUTH_CODE");
    let mut fields = redeem("x", "");
    fields[2].1 = "wrong";
    assert_eq!(bench.form("/oauth/v1/token", &fields).await.at("/error"), "invalid_client");
    assert_eq!(bench.form("/oauth/v1/token", &renew("unknown")).await.at("/status"), "BAD_REFRESH_TOKEN");
    // Only v1 still reads the query string.
    let fresh = code(&bench, "").await;
    let query = |version: &str, code: &str| {
        let mut url = url::Url::parse(&format!("{}/oauth/{version}/token", bench.url)).unwrap();
        url.query_pairs_mut().extend_pairs(redeem(code, ""));
        bench.client.post(url).send()
    };
    assert_eq!(query("2026-03", &fresh).await.unwrap().status(), 400);
    assert_eq!(query("v1", &fresh).await.unwrap().status(), 200);
}

#[tokio::test]
async fn tokens_expire_rotate_introspect_and_are_revoked() {
    for rotate in [false, true] {
        let mut bench = start(|options| {
            allowing(options);
            options.rotate_refresh_tokens = rotate;
        })
        .await;
        let first = bench.form("/oauth/2026-03/token", &redeem(&code(&bench, "").await, "")).await;
        let refresh = first.at("/refresh_token");
        bench.token = first.at("/access_token");
        assert_eq!(bench.get("/crm/v3/objects/contacts").await.status, 200);
        bench.clock.advance(1_800_000 + 5 * 3_600_000);
        let expired = bench.get("/crm/v3/objects/contacts").await;
        assert_eq!((expired.status, expired.at("/category").as_str()), (401, "EXPIRED_AUTHENTICATION"));
        assert_eq!(expired.at("/message"), "The OAuth token used to make this call expired 5 hour(s) ago.");
        let second = bench.form("/oauth/2026-03/token", &renew(&refresh)).await;
        assert_eq!(second.at("/refresh_token") == refresh, !rotate);
        bench.token = second.at("/access_token");
        assert_eq!(bench.get("/crm/v3/objects/contacts").await.status, 200);
        let old = bench.form("/oauth/2026-03/token", &renew(&refresh)).await;
        assert_eq!(old.status == 200, !rotate);
        let kept = second.at("/refresh_token");
        let ask = |token: &str| {
            let fields =
                [("client_id", "sandbox-client"), ("client_secret", "sandbox-secret"), ("token", token)]
                    .map(|(k, v)| (k.to_owned(), v.to_owned()));
            bench.client.post(format!("{}/oauth/2026-03/token/introspect", bench.url)).form(&fields)
        };
        for (token, active, token_use) in [
            (bench.token.clone(), true, "access_token"),
            (kept.clone(), true, "refresh_token"),
            ("x".to_owned(), false, ""),
        ] {
            let got = read(ask(&token)).await.unwrap();
            assert_eq!(
                (got.body["active"].clone(), got.at("/token_use").as_str()),
                (json!(active), token_use)
            );
        }
        let fields =
            [("client_id", "sandbox-client"), ("client_secret", "sandbox-secret"), ("token", kept.as_str())];
        assert!(bench.form("/oauth/2026-03/token/revoke", &fields).await.status < 300);
        assert_eq!(
            bench.form("/oauth/2026-03/token", &renew(&kept)).await.at("/status"),
            "BAD_REFRESH_TOKEN"
        );
    }
}

#[tokio::test]
async fn every_call_needs_a_token_with_the_right_scope() {
    let mut bench = start(allowing).await;
    for token in ["", "wrong"] {
        bench.token = token.to_owned();
        let got = bench.get("/crm/v3/objects/contacts").await;
        assert_eq!((got.status, got.at("/category").as_str()), (401, "INVALID_AUTHENTICATION"), "{token}");
    }
    bench.token =
        bench.form("/oauth/v1/token", &redeem(&code(&bench, "").await, "")).await.at("/access_token");
    for (method, path, status) in [
        ("GET", "/crm/v3/objects/contacts", 200),
        ("POST", "/crm/v3/objects/contacts/batch/read", 200),
        ("POST", "/crm/v3/objects/contacts/search", 200),
        ("GET", "/crm/v3/properties/contacts", 200),
        ("GET", "/account-info/v3/details", 200),
        ("POST", "/crm/v3/objects/contacts", 403),
        ("POST", "/crm/v3/objects/contacts/batch/archive", 403),
        ("GET", "/crm/v3/objects/companies", 403),
        ("GET", "/crm/v3/properties/companies", 403),
        ("POST", "/crm/v3/properties/contacts", 403),
    ] {
        let got = bench.call(method, path, json!({"inputs": []})).await;
        assert_eq!(got.status, status, "{method} {path}");
        if status == 403 {
            assert_eq!(got.at("/category"), "MISSING_SCOPES");
            let needed = &got.body["errors"][0]["context"]["requiredGranularScopes"];
            assert!(needed.as_array().is_some_and(|scopes| !scopes.is_empty()), "{needed}");
        }
    }
}

#[tokio::test]
async fn limits_are_told_in_headers_and_kept() {
    let bench = start(|options| {
        options.limits = Limits { per_ten_seconds: Some(2), daily: Some(6), searches_per_second: Some(1) };
    })
    .await;
    let list = "/crm/v3/objects/contacts";
    let search = "/crm/v3/objects/contacts/search";
    let first = bench.get(list).await;
    for (name, value) in [
        ("x-hubspot-ratelimit-max", "2"),
        ("x-hubspot-ratelimit-remaining", "1"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
        ("x-hubspot-ratelimit-daily", "6"),
        ("x-hubspot-ratelimit-daily-remaining", "5"),
    ] {
        assert_eq!(first.headers[name], value, "{name}");
    }
    assert_eq!(bench.get(list).await.status, 200);
    let refused = bench.get(list).await;
    assert_eq!(
        (refused.status, refused.at("/policyName").as_str(), refused.at("/errorType").as_str()),
        (429, "TEN_SECONDLY_ROLLING", "RATE_LIMIT")
    );
    assert_eq!(refused.headers["x-hubspot-ratelimit-remaining"], "0");
    let found = bench.call("POST", search, json!({})).await;
    assert_eq!(found.status, 200);
    assert!(!found.headers.keys().any(|name| name.as_str().starts_with("x-hubspot-ratelimit")));
    let refused = bench.call("POST", search, json!({})).await;
    assert_eq!(
        (refused.status, refused.at("/message").as_str()),
        (429, "You have reached your secondly limit.")
    );
    bench.clock.advance(10_000);
    assert_eq!(bench.get(list).await.status, 200);
    assert_eq!(bench.get(list).await.status, 200);
    bench.clock.advance(10_000);
    assert_eq!(bench.get(list).await.status, 200);
    let refused = bench.get(list).await;
    assert_eq!(
        (refused.status, refused.at("/message").as_str()),
        (429, "You have reached your daily limit.")
    );
    assert_eq!(bench.portal.call_count(), 9);
}

#[tokio::test]
async fn only_the_newest_version_keeps_the_admins_rules() {
    let bench = start(|options| options.required_properties = vec!["phone".to_owned()]).await;
    for (path, status) in [
        ("/crm/v3/objects/contacts", 201),
        ("/crm/objects/2026-03/contacts", 201),
        ("/crm/objects/2026-09/contacts", 400),
    ] {
        assert_eq!(
            bench.call("POST", path, json!({"properties": {"firstname": "A"}})).await.status,
            status,
            "{path}"
        );
    }
}
