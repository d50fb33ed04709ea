//! The OAuth endpoints under `/services/oauth2/` and the identity URL.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::consent::{Asked, Words, is_loopback, verifies};
use crate::html::{escape, page};
use crate::request::{Request, field};

use super::catalogue::find;
use super::id::{id15, id18, normal};
use super::rules::INTEGRATION_USER;
use super::server::{Consent, Shared};
use super::tokens::{Issued, Life};

/// How long an authorization code may be redeemed, in milliseconds.
const CODE_LIFETIME: i64 = 10 * 60_000;
const TITLE: &str = "Allow access?";

/// Scopes of an external client app, with what they mean to a person.
const SCOPES: &[(&str, &str)] = &[
    ("api", "Manage user data via APIs"),
    ("id", "Access the identity URL service"),
    ("profile", "Access your basic information"),
    ("email", "Access your e-mail address"),
    ("openid", "Access unique user identifiers"),
    ("refresh_token", "Perform requests at any time"),
    ("offline_access", "Perform requests at any time"),
    ("web", "Manage user data via Web browsers"),
    ("full", "Full access"),
];

pub(crate) fn route(shared: &Shared, request: &Request) -> Option<Answer> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    Some(match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["services", "oauth2", "authorize"]) => authorize(shared, request),
        ("POST", ["services", "oauth2", "authorize", "decision"]) => decide(shared, request),
        ("POST", ["services", "oauth2", "token"]) => token(shared, request),
        ("POST", ["services", "oauth2", "introspect"]) => introspect(shared, request),
        ("POST" | "GET", ["services", "oauth2", "revoke"]) => revoke(shared, request),
        ("GET" | "POST", ["services", "oauth2", "userinfo"]) => userinfo(shared, request),
        (_, ["services", "oauth2", ..]) => Answer::empty(404),
        ("GET" | "POST", ["id", org, user]) => identity(shared, request, org, user),
        _ => return None,
    })
}

fn refuse(error: &str, description: &str) -> Answer {
    Answer::json(400, &json!({"error": error, "error_description": description}))
        .with_header("cache-control", "no-store")
}

/// What is wrong with the app or its address is shown to the person and never sent back.
fn show(title: &str, error: &str, description: &str) -> Answer {
    let body = format!(
        "<div class=\"card\"><h1>{}</h1><p>error={}&amp;error_description={}</p></div>",
        escape(title),
        escape(error),
        escape(description)
    );
    Answer::html(400, page(title, &body))
}

fn authorize(shared: &Shared, request: &Request) -> Answer {
    let options = &shared.options;
    if request.query("client_id") != Some(options.client_id.as_str()) {
        return show("This app cannot be connected", "invalid_client_id", "client identifier invalid");
    }
    let redirect_uri = request.query("redirect_uri").unwrap_or_default();
    if !registered(redirect_uri, &options.redirect_uris) {
        let description = "redirect_uri must match configuration";
        return show("This app cannot be connected", "redirect_uri_mismatch", description);
    }
    let scopes: BTreeSet<String> = request
        .query("scope")
        .unwrap_or("api id refresh_token")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let asked = Asked {
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        state: request.query("state").map(str::to_owned),
        challenge: request.query("code_challenge").map(str::to_owned),
    };
    if let Some((error, description)) = objection(shared, request, &asked) {
        return send_back(&asked, &[("error", error), ("error_description", &description)]);
    }
    match options.consent {
        Consent::Allow => allow(shared, asked, request.now),
        Consent::Deny => deny(&asked),
        Consent::Blocked => send_back(
            &asked,
            &[("error", "invalid_client"), ("error_description", "app must be installed into org")],
        ),
        Consent::Ask => ask(shared, asked),
    }
}

/// What the redirect address is told instead of a code.
fn objection(shared: &Shared, request: &Request, asked: &Asked) -> Option<(&'static str, String)> {
    if request.query("response_type") != Some("code") {
        return Some(("unsupported_response_type", "response type not supported".to_owned()));
    }
    if let Some(unknown) = asked.scopes.iter().find(|scope| !SCOPES.iter().any(|(name, _)| name == scope)) {
        return Some(("invalid_scope", format!("the requested scope is not allowed: {unknown}")));
    }
    if asked.challenge.is_none() && shared.options.require_pkce {
        return Some(("invalid_request", "missing required code challenge".to_owned()));
    }
    // A missing method means S256 here, as clients that leave it out expect.
    if asked.challenge.is_some() && request.query("code_challenge_method").is_some_and(|name| name != "S256")
    {
        return Some(("invalid_request", "invalid code challenge method".to_owned()));
    }
    None
}

/// Callbacks match to the letter. Without a list every http address on this machine is taken.
fn registered(uri: &str, known: &[String]) -> bool {
    if !known.is_empty() {
        return known.iter().any(|registered| registered == uri);
    }
    is_loopback(uri)
}

fn ask(shared: &Shared, asked: Asked) -> Answer {
    let words = Words {
        title: TITLE,
        question: TITLE,
        wants: "is asking to:",
        provider: "Salesforce",
        app: &shared.options.app_name,
        decision: "/services/oauth2/authorize/decision",
        scopes: SCOPES,
    };
    shared.consents().page(asked, &words)
}

fn decide(shared: &Shared, request: &Request) -> Answer {
    let decided = shared.consents().decided(request, TITLE);
    match decided {
        Ok((asked, true)) => allow(shared, asked, request.now),
        Ok((asked, false)) => deny(&asked),
        Err(answered_before) => answered_before,
    }
}

fn allow(shared: &Shared, asked: Asked, now: i64) -> Answer {
    let code = shared.consents().grant(asked.clone(), now + CODE_LIFETIME);
    send_back(&asked, &[("code", &code)])
}

fn deny(asked: &Asked) -> Answer {
    let description = "end-user denied authorization";
    send_back(asked, &[("error", "access_denied"), ("error_description", description)])
}

fn send_back(asked: &Asked, parameters: &[(&str, &str)]) -> Answer {
    asked.send_back(parameters).unwrap_or_else(|| {
        show("This app cannot be connected", "redirect_uri_mismatch", "the address cannot be read")
    })
}

/// Id and secret from the form or from a Basic header. Says whether a secret proved the client.
fn client(shared: &Shared, request: &Request, form: &[(String, String)]) -> Result<bool, Answer> {
    let basic = request.header("authorization").and_then(|value| {
        let decoded = STANDARD.decode(value.strip_prefix("Basic ")?.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    });
    let (id, secret) = basic
        .unwrap_or_else(|| (field(form, "client_id").to_owned(), field(form, "client_secret").to_owned()));
    if id != shared.options.client_id {
        return Err(refuse("invalid_client_id", "client identifier invalid"));
    }
    match secret.as_str() {
        "" if shared.options.require_secret => Err(refuse("invalid_client", "invalid client credentials")),
        "" => Ok(false),
        secret if secret == shared.options.client_secret => Ok(true),
        _ => Err(refuse("invalid_client", "invalid client credentials")),
    }
}

fn token(shared: &Shared, request: &Request) -> Answer {
    let form = request.form();
    let with_secret = match client(shared, request, &form) {
        Ok(with_secret) => with_secret,
        Err(refusal) => return refusal,
    };
    let org = shared.org_id();
    let life = Life { now: request.now, seconds: shared.options.session_lifetime_secs, org: id15(&org) };
    let issued = match field(&form, "grant_type") {
        "authorization_code" => redeem(shared, request.now, &form, with_secret)
            .map(|asked| shared.tokens().authorize(asked.scopes, life)),
        "refresh_token" => {
            let rotate = shared.options.rotate_refresh_tokens;
            let renewed = shared.tokens().renew(field(&form, "refresh_token"), rotate, life);
            renewed.ok_or_else(|| refuse("invalid_grant", "expired access/refresh token"))
        }
        "client_credentials" if !shared.options.client_credentials => {
            Err(refuse("invalid_grant", "no client credentials user enabled"))
        }
        "client_credentials" if !with_secret => Err(refuse("invalid_client", "invalid client credentials")),
        "client_credentials" => {
            let scopes = ["api", "id"].map(str::to_owned).into();
            Ok(shared.tokens().open(scopes, life))
        }
        _ => Err(refuse("unsupported_grant_type", "grant type not supported")),
    };
    match issued {
        Ok(issued) => issued_answer(shared, request, &issued),
        Err(refusal) => refusal,
    }
}

/// What a code was given for, when who brings it is who asked for it.
fn redeem(shared: &Shared, now: i64, form: &[(String, String)], with_secret: bool) -> Result<Asked, Answer> {
    let Some(asked) = shared.consents().redeem(field(form, "code"), now) else {
        return Err(refuse("invalid_grant", "expired authorization code"));
    };
    if asked.redirect_uri != field(form, "redirect_uri") {
        return Err(refuse("redirect_uri_mismatch", "redirect_uri must match configuration"));
    }
    match (&asked.challenge, field(form, "code_verifier")) {
        (None, _) if !with_secret => Err(refuse("invalid_client", "invalid client credentials")),
        (None, _) => Ok(asked),
        (Some(_), "") => Err(refuse("invalid_grant", "code verifier is missing")),
        (Some(challenge), verifier) if verifies(verifier, challenge) => Ok(asked),
        (Some(_), _) => Err(refuse("invalid_request", "invalid code verifier")),
    }
}

fn issued_answer(shared: &Shared, request: &Request, issued: &Issued) -> Answer {
    let id = shared.identity_url(request);
    let at = request.now.to_string();
    let scopes: Vec<&str> = issued.scopes.iter().map(String::as_str).collect();
    let mut body = json!({
        "access_token": issued.access, "signature": signature(&shared.options.client_secret, &format!("{id}{at}")),
        "scope": scopes.join(" "), "instance_url": shared.instance_url(request), "id": id,
        "token_type": "Bearer", "issued_at": at,
    });
    if let (Some(refresh), Value::Object(fields)) = (&issued.refresh, &mut body) {
        fields.insert("refresh_token".into(), refresh.clone().into());
    }
    Answer::json(200, &body).with_header("cache-control", "no-store").with_header("pragma", "no-cache")
}

/// HMAC-SHA256 in Base64, by which a client can tell that nobody changed the identity URL.
fn signature(secret: &str, text: &str) -> String {
    const BLOCK: usize = 64;
    let mut key = if secret.len() > BLOCK {
        Sha256::digest(secret.as_bytes()).to_vec()
    } else {
        secret.as_bytes().to_vec()
    };
    key.resize(BLOCK, 0);
    let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text.as_bytes()).finalize();
    STANDARD.encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

fn introspect(shared: &Shared, request: &Request) -> Answer {
    let form = request.form();
    if let Err(refusal) = client(shared, request, &form) {
        return refusal;
    }
    let token = field(&form, "token");
    let tokens = shared.tokens();
    let about = |kind: &str, scopes: &BTreeSet<String>| {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        json!({"active": true, "scope": scopes.join(" "), "client_id": shared.options.client_id,
               "username": shared.integration_username(), "sub": shared.identity_url(request), "token_type": kind})
    };
    let body = if let Some(session) = tokens.live_session(token, request.now) {
        let mut body = about("access_token", &session.scopes);
        if let Value::Object(fields) = &mut body {
            fields.insert("exp".into(), (session.expires / 1000).into());
            fields.insert("iat".into(), (session.issued / 1000).into());
            fields.insert("nbf".into(), (session.issued / 1000).into());
        }
        body
    } else if let Some(scopes) = tokens.refresh_scopes(token) {
        about("refresh_token", scopes)
    } else {
        json!({"active": false})
    };
    Answer::json(200, &body)
}

fn revoke(shared: &Shared, request: &Request) -> Answer {
    let form = request.form();
    let token = Some(field(&form, "token")).filter(|token| !token.is_empty());
    match token.or_else(|| request.query("token")) {
        None => refuse("unsupported_token_type", "this token type is not supported"),
        Some(token) if shared.tokens().revoke(token) => Answer::empty(200),
        Some(_) => refuse("invalid_token", "invalid token: the token may have been revoked already"),
    }
}

/// Whose session it is; in words and not in the REST error array when it is nobody's.
fn caller(shared: &Shared, request: &Request) -> Result<(), Answer> {
    if shared.session(request).is_some() {
        Ok(())
    } else {
        Err(Answer::html(403, "Bad_OAuth_Token".to_owned()))
    }
}

fn userinfo(shared: &Shared, request: &Request) -> Answer {
    if let Err(refusal) = caller(shared, request) {
        return refusal;
    }
    Answer::json(200, &shared.about_user(request, true))
}

fn identity(shared: &Shared, request: &Request, org: &str, user: &str) -> Answer {
    if let Err(refusal) = caller(shared, request) {
        return refusal;
    }
    let prefix = find("User").map_or("", |object| object.prefix);
    if normal(org) != Some(shared.org_id()) || normal(user) != Some(id18(prefix, INTEGRATION_USER)) {
        return Answer::html(403, "Wrong_Org".to_owned());
    }
    Answer::json(200, &shared.about_user(request, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_hmacs() {
        // RFC 4231, test case 2, and a key longer than the block.
        assert_eq!(
            signature("Jefe", "what do ya want for nothing?"),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
        );
        assert_eq!(signature(&"k".repeat(65), "x"), "dQkso+4rMHRwwidpe0Kz5lN2qjuumPtaH3t1NtqpWIo=");
    }

    #[test]
    fn callbacks() {
        for (uri, known, expected) in [
            ("http://localhost:1717/cb", None, true),
            ("http://127.0.0.1:1/", None, true),
            ("https://example.org/cb", None, false),
            ("http://localhost.evil.test/cb", None, false),
            ("http://localhost:1717/cb", Some("http://localhost:1717/cb"), true),
            ("http://localhost:1717/cb/", Some("http://localhost:1717/cb"), false),
        ] {
            let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
            assert_eq!(registered(uri, &known), expected, "{uri}");
        }
    }
}
