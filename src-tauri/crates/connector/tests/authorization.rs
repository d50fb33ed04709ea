//! Authorizations: which redirects count, and the listener that a browser comes back to.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use connector::oauth::loopback::{AuthorizationEnd, Loopback};
use connector::oauth::{Authorization, Redirect};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use self::support::hubspot_config;

fn begin(redirect: &str) -> Authorization {
    let config = hubspot_config(&json!({"clientId": "test-client"}));
    Authorization::begin(&config, Some(Url::parse(redirect).unwrap())).unwrap()
}

fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

fn state(authorization: &Authorization) -> String {
    query(&authorization.url)["state"].clone()
}

fn kind(redirect: Redirect) -> &'static str {
    match redirect {
        Redirect::Elsewhere => "elsewhere",
        Redirect::Code(_) => "code",
        Redirect::Denied(_) => "denied",
        Redirect::Rejected(_) => "rejected",
    }
}

#[test]
fn each_authorization_asks_with_fresh_state_and_pkce() {
    let mut states = HashSet::new();
    let mut challenges = HashSet::new();
    for _ in 0..100 {
        let config = hubspot_config(&json!({"clientId": "test-client"}));
        let url = Authorization::begin(&config, None).unwrap().url;
        assert_eq!(url.as_str().split('?').next(), Some("https://app.hubspot.com/oauth/authorize"));
        let query = query(&url);
        assert_eq!(query["client_id"], "test-client");
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["redirect_uri"], "http://localhost:47812/oauth/callback");
        assert_eq!(query["code_challenge_method"], "S256");
        assert!(query["scope"].starts_with("oauth crm.objects.contacts.read crm.objects.contacts.write "));
        // 256 bits in base64 without padding.
        assert_eq!(query["state"].len(), 43);
        assert!(states.insert(query["state"].clone()) && challenges.insert(query["code_challenge"].clone()));
    }
}

#[test]
fn settings_replace_the_defaults() {
    let config = hubspot_config(&json!({
        "clientId": "c", "scopes": ["a", "b"], "authorizeUrl": "https://login.example/oauth", "redirectUri": "https://app.example/cb"
    }));
    let authorization = Authorization::begin(&config, None).unwrap();
    assert_eq!(authorization.redirect_uri().as_str(), "https://app.example/cb");
    assert_eq!(authorization.url.host_str(), Some("login.example"));
    assert_eq!(query(&authorization.url)["scope"], "a b");
    let error = Authorization::begin(&hubspot_config(&json!({})), None).unwrap_err();
    assert!(error.message.contains("clientId is missing"), "{error}");
}

#[test]
fn only_the_exact_redirect_with_the_exact_state_counts() {
    let home = "http://localhost:47812/oauth/callback";
    for (url, expect) in [
        ("{home}?code=c&state={state}", "code"),
        ("{home}?state={state}&code=c&extra=1#fragment", "code"),
        ("{home}?error=access_denied&state={state}", "denied"),
        ("{home}?error=access_denied", "denied"),
        ("{home}?error=access_denied&state=wrong", "rejected"),
        ("{home}?code=c&state=wrong", "rejected"),
        ("{home}?code=c&state={state}x", "rejected"),
        ("{home}?code=c&state=", "rejected"),
        ("{home}?code=c", "rejected"),
        ("{home}", "rejected"),
        ("{home}?state={state}", "rejected"),
        ("{home}?code=&state={state}", "rejected"),
        ("{home}?code=c&code=d&state={state}", "rejected"),
        ("{home}?code=c&state=x&state={state}", "rejected"),
        ("https://localhost:47812/oauth/callback?code=c&state={state}", "elsewhere"),
        ("http://localhost:47813/oauth/callback?code=c&state={state}", "elsewhere"),
        ("http://localhost/oauth/callback?code=c&state={state}", "elsewhere"),
        ("http://127.0.0.1:47812/oauth/callback?code=c&state={state}", "elsewhere"),
        ("http://localhost.evil.example:47812/oauth/callback?code=c&state={state}", "elsewhere"),
        ("http://localhost:47812@evil.example/oauth/callback?code=c&state={state}", "elsewhere"),
        ("http://user@localhost:47812/oauth/callback?code=c&state={state}", "elsewhere"),
        ("{home}/?code=c&state={state}", "elsewhere"),
        ("{home}/../callback2?code=c&state={state}", "elsewhere"),
        ("http://localhost:47812/OAUTH/callback?code=c&state={state}", "elsewhere"),
    ] {
        let authorization = begin(home);
        let url = url.replace("{home}", home).replace("{state}", &state(&authorization));
        assert_eq!(kind(authorization.match_redirect(&Url::parse(&url).unwrap())), expect, "{url}");
    }
}

#[test]
fn a_redirect_counts_once_and_guessing_does_not_help() {
    let home = "http://localhost:47812/oauth/callback";
    let authorization = begin(home);
    for n in 0..10_000 {
        let url = Url::parse(&format!("{home}?code=c{n}&state={}", state(&begin(home)))).unwrap();
        assert_eq!(kind(authorization.match_redirect(&url)), "rejected");
    }
    let right = Url::parse(&format!("{home}?code=c&state={}", state(&authorization))).unwrap();
    assert_eq!(kind(authorization.match_redirect(&right)), "code");
    assert_eq!(kind(authorization.match_redirect(&right)), "rejected");
}

#[test]
fn debug_texts_hold_no_secret() {
    let authorization = begin("http://localhost:47812/oauth/callback");
    let state = state(&authorization);
    assert!(!format!("{authorization:?}").contains(&state));
    let url = format!("http://localhost:47812/oauth/callback?code=test-code-1&state={state}");
    let redirect = authorization.match_redirect(&Url::parse(&url).unwrap());
    assert!(!format!("{redirect:?}").contains("test-code-1"));
}

async fn talk(listener: &Url, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", listener.port().unwrap())).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A listener that is gone resets the connection, which is an answer as well.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

async fn listen() -> (Loopback, Authorization, Url) {
    let listener = Loopback::bind(&Url::parse("http://localhost:0/oauth/callback").unwrap()).await.unwrap();
    let home = listener.redirect_uri().clone();
    let authorization = begin(home.as_str());
    (listener, authorization, home)
}

#[tokio::test]
async fn the_listener_answers_get_to_its_own_name_only() {
    let (listener, authorization, home) = listen().await;
    let port = home.port().unwrap();
    let target = format!("/oauth/callback?code=test-code-1&state={}", state(&authorization));
    let host = format!("Host: localhost:{port}");
    let good = format!("GET {target} HTTP/1.1\r\n{host}\r\n\r\n");
    let visits = async {
        // A browser's connection ahead of time, which stays silent.
        let silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        for (request, status) in [
            (format!("GET /favicon.ico HTTP/1.1\r\n{host}\r\n\r\n"), "404"),
            (format!("POST {target} HTTP/1.1\r\n{host}\r\n\r\n"), "405"),
            (format!("HEAD {target} HTTP/1.1\r\n{host}\r\n\r\n"), "405"),
            (format!("GET {target} HTTP/1.1\r\nHost: evil.example\r\n\r\n"), "403"),
            (format!("GET {target} HTTP/1.1\r\nHost: localhost:1\r\n\r\n"), "403"),
            (format!("GET {target} HTTP/1.1\r\n{host}\r\n{host}\r\n\r\n"), "403"),
            (format!("GET {target} HTTP/1.1\r\n\r\n"), "403"),
            (format!("GET http://localhost:{port}{target} HTTP/1.1\r\n{host}\r\n\r\n"), "400"),
            ("nonsense\r\n\r\n".to_owned(), "400"),
            ("\u{0}\r\n\r\n".to_owned(), "400"),
        ] {
            let answer = talk(&home, &request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
            assert!(!answer.contains("test-code-1"), "{answer}");
        }
        assert_eq!(talk(&home, &"x".repeat(20_000)).await, "");
        let answer = talk(&home, &good).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("You can close this window"));
        assert!(
            answer.contains("Cache-Control: no-store\r\n")
                && answer.contains("Referrer-Policy: no-referrer\r\n")
        );
        assert!(!answer.contains("test-code-1") && !answer.contains(&state(&authorization)));
        drop(silent);
    };
    let (code, ()) =
        tokio::join!(listener.wait(&authorization, Duration::from_secs(30), std::future::pending()), visits);
    code.unwrap();
    // One shot: nobody listens any more.
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn every_end_has_its_own_sentence() {
    let visit = |home: Url, query: &'static str| async move {
        let host = format!("localhost:{}", home.port().unwrap());
        talk(&home, &format!("GET /oauth/callback?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await
    };
    for (query, words) in [
        (
            "error=access_denied&error_description=not%20today",
            "the authorization was refused: access_denied: not today",
        ),
        ("code=c&state=wrong", "the answer belongs to another authorization (wrong state); start it again"),
        ("code=c", "the answer carries no state; start the authorization again"),
    ] {
        let (listener, authorization, home) = listen().await;
        let (end, _) = tokio::join!(
            listener.wait(&authorization, Duration::from_secs(30), std::future::pending()),
            visit(home, query)
        );
        assert_eq!(end.unwrap_err().to_string(), words);
    }
    let (listener, authorization, _) = listen().await;
    let end = listener.wait(&authorization, Duration::from_millis(1), std::future::pending()).await;
    assert_eq!(end.unwrap_err(), AuthorizationEnd::TimedOut);
    let (listener, authorization, _) = listen().await;
    let end = listener.wait(&authorization, Duration::from_secs(30), std::future::ready(())).await;
    assert_eq!(end.unwrap_err(), AuthorizationEnd::Cancelled);
}

#[tokio::test]
async fn a_listener_needs_a_free_port_on_this_computer() {
    let (listener, _, home) = listen().await;
    let error = Loopback::bind(&home).await.unwrap_err();
    assert!(error.message.contains("cannot be listened on"), "{error}");
    drop(listener);
    for elsewhere in [
        "https://localhost:47812/cb",
        "http://192.0.2.1:47812/cb",
        "http://example.org/cb",
        "https://app.example/cb",
    ] {
        let error = Loopback::bind(&Url::parse(elsewhere).unwrap()).await.unwrap_err();
        assert!(error.message.contains("does not lead to this computer"), "{error}");
    }
}
