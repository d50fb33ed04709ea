//! Testing a connection: reach the account, read a record of each type, compare the scopes.

use model::Secret;
use serde::Deserialize;
use serde_json::Value;

use super::answers::{Problem, RecordPage, clean};
use super::day::Place;
use super::{Hubspot, ObjectType};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Bearer, Failure};
use crate::port::TestReport;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountDetails {
    portal_id: Value,
    #[serde(flatten)]
    place: Place,
}

impl AccountDetails {
    fn portal(&self) -> String {
        let id = self.portal_id.as_str().map_or_else(|| self.portal_id.to_string(), clean);
        format!("portal {id}")
    }
}

#[derive(Deserialize)]
struct Introspection {
    active: bool,
    /// The 2026-09 version does not tell them.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

impl Hubspot {
    pub(super) async fn check_connection(&self) -> Result<TestReport, ConnectorError> {
        let mut report = TestReport::default();
        let host = self.paths.account_details().host_str().unwrap_or_default().to_owned();
        // Where it is not told, the lists below decide.
        if let Some(details) = self.account_details().await? {
            let portal = details.portal();
            let zone = details.place.time_zone.map(|zone| format!(", time zone {}", clean(&zone)));
            let zone = zone.unwrap_or_default();
            report.account = Some(format!("{portal}{zone}"));
            report.account_id = Some(portal);
        }
        report.checked.push(format!("reached {host}"));
        let mut readable = 0;
        for object_type in ObjectType::ALL {
            let mut url = self.paths.objects(object_type.plural(), "");
            url.query_pairs_mut().append_pair("limit", "1");
            match self.http.send(&self.get(url), |a| a.json::<RecordPage>()).await {
                Ok(_) => {
                    if readable == 0 {
                        report.checked.push("token accepted".to_owned());
                    }
                    readable += 1;
                    report.checked.push(format!("can read {}", object_type.plural()));
                }
                Err(Failure::Refused(refusal)) if refusal.error.kind == ErrorKind::Forbidden => {
                    let mut scopes = Problem::parse(&refusal.body).required_scopes();
                    if scopes.is_empty() {
                        scopes.push(format!("crm.objects.{}.read", object_type.plural()));
                    }
                    report.checked.push(format!("cannot read {}: a scope is missing", object_type.plural()));
                    add(&mut report.missing_scopes, scopes);
                }
                Err(Failure::Refused(refusal)) if matches!(refusal.status, 404 | 405 | 501) => {
                    report.checked.push(format!("no {} here ({})", object_type.plural(), refusal.status));
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        if self.tokens.is_oauth().await?
            && let Some(granted) = self.granted_scopes().await?
        {
            let wanted = self.tokens.provider().map(|p| p.scopes.clone()).unwrap_or_default();
            let missing: Vec<String> = wanted.into_iter().filter(|s| !granted.contains(s)).collect();
            report.checked.push(format!("{} scopes granted", granted.len()));
            add(&mut report.missing_scopes, missing);
        }
        if readable == 0 && report.missing_scopes.is_empty() {
            return Err(self.error(
                ErrorKind::Refused,
                format!("{host} answers, but knows neither contacts nor companies; check apiBaseUrl and apiVersion"),
            ));
        }
        if readable == 0 {
            return Err(self.error(
                ErrorKind::Forbidden,
                format!(
                    "the token lacks scope {}: add it to the app or service key and authorize again",
                    report.missing_scopes.join(", ")
                ),
            ));
        }
        Ok(report)
    }

    pub(super) async fn portal(&self) -> Result<Option<String>, ConnectorError> {
        Ok(self.account_details().await?.map(|details| details.portal()))
    }

    /// What is told of the account. Not every token may ask, and not every stand-in answers.
    async fn account_details(&self) -> Result<Option<AccountDetails>, ConnectorError> {
        let call = self.get(self.paths.account_details());
        match self.http.send(&call, |a| a.json::<AccountDetails>()).await {
            Ok(details) => {
                self.day.learn(&details.place);
                Ok(Some(details))
            }
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 403..=405 | 501) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The scopes of the OAuth token; `None` where HubSpot does not tell.
    async fn granted_scopes(&self) -> Result<Option<Vec<String>>, ConnectorError> {
        let Some(provider) = self.tokens.provider() else { return Ok(None) };
        let Some(url) = provider.introspect_url.clone() else { return Ok(None) };
        let token = self.tokens.current().await?;
        let secret = self.tokens.client_secret().await?.unwrap_or_else(|| Secret::new(""));
        let call = provider.about_token(url, token, secret, "access_token");
        match self.http.send(&call, |a| a.json::<Introspection>()).await {
            Ok(told) if told.active => Ok(told.scopes),
            Ok(_) => Err(self.error(
                ErrorKind::Unauthorized,
                "HubSpot says that the token is not active; authorize again",
            )),
            // The lists have been read, so a missing introspection is no reason to fail.
            Err(Failure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}

fn add(missing: &mut Vec<String>, scopes: Vec<String>) {
    for scope in scopes {
        if !missing.contains(&scope) {
            missing.push(scope);
        }
    }
}
