//! The OAuth endpoints: asking for consent, tokens, introspection, revocation.
//!
//! v1, v3 and the dated versions answer alike; only v1 still reads its parameters from the query string.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::consent::{Asked, Words, is_loopback, verifies};
use crate::html::{escape, page};
use crate::request::{Request, field};

use super::access::SCOPES;
use super::problem::Problem;
use super::routes::DATED;
use super::server::{Consent, Shared};
use super::tokens::Pair;

/// How long an authorization code may be redeemed, in milliseconds.
const CODE_LIFETIME: i64 = 60_000;
const TITLE: &str = "Connect an app";

/// Answers everything under `/oauth/`; nothing when the path is none of ours.
pub(crate) fn route(shared: &Shared, request: &Request) -> Option<Result<Answer, Problem>> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    Some(match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["oauth", "authorize"] | ["oauth", _, "authorize"]) => Ok(authorize(shared, request)),
        ("POST", ["oauth", "authorize", "decision"]) => Ok(decide(shared, request)),
        (_, ["oauth", version, "token", ..])
            if !["v1", "v3"].contains(version) && !DATED.contains(version) =>
        {
            Err(Problem::not_found())
        }
        ("POST", ["oauth", version, "token"]) => Ok(token(shared, request, version)),
        ("POST", ["oauth", version, "token", "introspect"]) if *version != "v1" => {
            Ok(introspect(shared, request, version))
        }
        ("POST", ["oauth", _, "token", "revoke"]) => Ok(revoke(shared, request)),
        ("GET", ["oauth", "v1", "access-tokens", token]) => describe_access(shared, request, token),
        ("GET", ["oauth", "v1", "refresh-tokens", token]) => describe_refresh(shared, token),
        ("DELETE", ["oauth", "v1", "refresh-tokens", token]) => {
            shared.tokens().revoke(token);
            Ok(Answer::empty(204))
        }
        (_, ["oauth", ..]) => Err(Problem::not_found()),
        _ => return None,
    })
}

/// Anything wrong with who asks is shown to the person and never sent to the redirect address.
fn authorize(shared: &Shared, request: &Request) -> Answer {
    let asked = match check_authorize(shared, request) {
        Ok(asked) => asked,
        Err(message) => {
            let body = format!(
                "<div class=\"card\"><h1>This app cannot be connected</h1><p>{}</p></div>",
                escape(&message)
            );
            return Answer::html(400, page(TITLE, &body));
        }
    };
    match shared.options.consent {
        Consent::Allow => allow(shared, asked, request.now),
        Consent::Deny => deny(&asked),
        Consent::Ask => {
            let app = &shared.options.app_name;
            let words = Words {
                title: TITLE,
                question: &format!("Connect {app} to the sandbox account?"),
                wants: "wants to:",
                provider: "HubSpot",
                app,
                decision: "/oauth/authorize/decision",
                scopes: SCOPES,
            };
            shared.consents().page(asked, &words)
        }
    }
}

fn check_authorize(shared: &Shared, request: &Request) -> Result<Asked, String> {
    let options = &shared.options;
    if request.query("client_id") != Some(options.client_id.as_str()) {
        return Err("The client_id is missing or belongs to no app.".to_owned());
    }
    let redirect_uri = request.query("redirect_uri").unwrap_or_default();
    if !is_loopback(redirect_uri) && !options.redirect_uris.iter().any(|known| known == redirect_uri) {
        return Err("The redirect_uri is missing or not registered with the app.".to_owned());
    }
    let words = |name: &str| -> Vec<String> {
        request.query(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let known = |scope: &String| SCOPES.iter().any(|(name, _)| name == scope);
    let scopes = words("scope");
    if scopes.is_empty() {
        return Err("No scope is asked for.".to_owned());
    }
    if let Some(unknown) = scopes.iter().find(|scope| !known(scope)) {
        return Err(format!("The provided scopes are insufficient: {unknown} is not declared by the app."));
    }
    let challenge = request.query("code_challenge").map(str::to_owned);
    if challenge.is_some() && request.query("code_challenge_method") != Some("S256") {
        return Err("Only the code_challenge_method S256 is supported.".to_owned());
    }
    let mut granted: BTreeSet<String> = scopes.into_iter().collect();
    granted.extend(words("optional_scope").into_iter().filter(known));
    Ok(Asked {
        redirect_uri: redirect_uri.to_owned(),
        scopes: granted,
        state: request.query("state").map(str::to_owned),
        challenge,
    })
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
    send_back(asked, &[("error", "access_denied"), ("error_description", "The user denied access.")])
}

fn send_back(asked: &Asked, parameters: &[(&str, &str)]) -> Answer {
    asked
        .send_back(parameters)
        .unwrap_or_else(|| Answer::html(400, page(TITLE, "<p>The redirect address cannot be read.</p>")))
}

/// HubSpot's old `status` and `message` with the fields of RFC 6749 that joined them in January 2026.
fn refuse(status: &str, message: &str, error: &str) -> Answer {
    Answer::json(
        400,
        &json!({"status": status, "message": message, "error": error, "error_description": message,
                "correlationId": uuid::Uuid::new_v4().to_string()}),
    )
}

fn fields_of(request: &Request, version: &str) -> Vec<(String, String)> {
    let mut fields = request.form();
    if version == "v1" {
        fields.extend(request.query.iter().cloned());
    }
    fields
}

fn check_client(shared: &Shared, fields: &[(String, String)]) -> Result<(), Answer> {
    if field(fields, "client_id") != shared.options.client_id {
        return Err(refuse("BAD_CLIENT_ID", "missing or invalid client id", "invalid_client"));
    }
    if field(fields, "client_secret") != shared.options.client_secret {
        return Err(refuse("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client"));
    }
    Ok(())
}

fn token(shared: &Shared, request: &Request, version: &str) -> Answer {
    let fields = fields_of(request, version);
    if let Err(refusal) = check_client(shared, &fields) {
        return refusal;
    }
    let lifetime = shared.options.token_lifetime_secs;
    match field(&fields, "grant_type") {
        "authorization_code" => {
            let issue = redeem(shared, request.now, &fields)
                .map(|asked| shared.tokens().open(asked.scopes, request.now, lifetime));
            issue.map_or_else(|refusal| refusal, |pair| issued(shared, version, &pair))
        }
        "refresh_token" => {
            let rotate = shared.options.rotate_refresh_tokens;
            match shared.tokens().renew(field(&fields, "refresh_token"), rotate, request.now, lifetime) {
                Some(pair) => issued(shared, version, &pair),
                None => refuse("BAD_REFRESH_TOKEN", "missing or invalid refresh token", "invalid_grant"),
            }
        }
        _ => refuse("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type"),
    }
}

/// What a code was given for, when it comes with the address and the verifier that it was asked with.
fn redeem(shared: &Shared, now: i64, fields: &[(String, String)]) -> Result<Asked, Answer> {
    let Some(asked) = shared.consents().redeem(field(fields, "code"), now) else {
        return Err(refuse("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant"));
    };
    if asked.redirect_uri != field(fields, "redirect_uri") {
        return Err(refuse("BAD_REDIRECT_URI", "missing or invalid redirect uri", "invalid_grant"));
    }
    let verifier = field(fields, "code_verifier");
    if asked.challenge.as_deref().is_some_and(|challenge| !verifies(verifier, challenge)) {
        return Err(refuse("BAD_CODE_VERIFIER", "missing or invalid code verifier", "invalid_grant"));
    }
    Ok(asked)
}

fn issued(shared: &Shared, version: &str, pair: &Pair) -> Answer {
    shared.touch();
    let mut body = json!({"token_type": "bearer", "access_token": pair.access, "refresh_token": pair.refresh,
                          "expires_in": shared.options.token_lifetime_secs});
    if version != "v1"
        && let Value::Object(fields) = &mut body
    {
        fields.insert("token_use".into(), "access_token".into());
        fields.insert("hub_id".into(), shared.options.portal_id.into());
        fields.insert("user_id".into(), 100.into());
        fields.insert("scopes".into(), pair.scopes.iter().cloned().collect::<Vec<_>>().into());
        fields.insert("id_token".into(), Value::Null);
    }
    Answer::json(200, &body).with_header("cache-control", "no-store")
}

fn account(shared: &Shared, scopes: &BTreeSet<String>) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("client_id".into(), shared.options.client_id.clone().into());
    fields.insert("app_id".into(), super::access::OAUTH_APP.into());
    fields.insert("hub_id".into(), shared.options.portal_id.into());
    fields.insert("user_id".into(), 100.into());
    fields.insert("user".into(), "admin@example.com".into());
    fields.insert("hub_domain".into(), "sandbox.example.com".into());
    fields.insert("scopes".into(), scopes.iter().cloned().collect::<Vec<_>>().into());
    fields
}

fn introspect(shared: &Shared, request: &Request, version: &str) -> Answer {
    let fields = request.form();
    if let Err(refusal) = check_client(shared, &fields) {
        return refusal;
    }
    let token = field(&fields, "token");
    let tokens = shared.tokens();
    let (mut body, token_use) = if let Some(access) = tokens.access(token).filter(|a| a.expires > request.now)
    {
        let mut body = account(shared, &access.scopes);
        body.insert("expires_in".into(), ((access.expires - request.now) / 1000).into());
        body.insert("token_type".into(), "access".into());
        (body, "access_token")
    } else if let Some(scopes) = tokens.refresh_scopes(token) {
        (account(shared, scopes), "refresh_token")
    } else {
        return Answer::json(200, &json!({"active": false}));
    };
    if version == "2026-09" {
        // This version promises nothing but whether the token is good.
        return Answer::json(200, &json!({"active": true}));
    }
    body.insert("active".into(), true.into());
    body.insert("token_use".into(), token_use.into());
    body.insert("token".into(), token.into());
    Answer::json(200, &body)
}

fn revoke(shared: &Shared, request: &Request) -> Answer {
    let fields = request.form();
    if let Err(refusal) = check_client(shared, &fields) {
        return refusal;
    }
    shared.tokens().revoke(field(&fields, "token"));
    shared.touch();
    Answer::empty(200)
}

fn describe_access(shared: &Shared, request: &Request, token: &str) -> Result<Answer, Problem> {
    let tokens = shared.tokens();
    let access = tokens.access(token).filter(|a| a.expires > request.now).ok_or_else(Problem::not_found)?;
    let mut body = account(shared, &access.scopes);
    body.insert("token".into(), token.into());
    body.insert("token_type".into(), "access".into());
    body.insert("expires_in".into(), ((access.expires - request.now) / 1000).into());
    Ok(Answer::json(200, &body))
}

fn describe_refresh(shared: &Shared, token: &str) -> Result<Answer, Problem> {
    let tokens = shared.tokens();
    let scopes = tokens.refresh_scopes(token).ok_or_else(Problem::not_found)?;
    let mut body = account(shared, scopes);
    body.insert("token".into(), token.into());
    body.insert("token_type".into(), "refresh".into());
    Ok(Answer::json(200, &body))
}
