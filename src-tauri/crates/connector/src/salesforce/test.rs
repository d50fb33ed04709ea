//! Testing a connection: is the token good, for what, and what can be seen with it.

use std::collections::HashMap;

use model::{Attributes, Secret};
use serde::Deserialize;
use serde_json::Value;

use super::Salesforce;
use super::settings::Grant;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Bearer, Failure};
use crate::port::TestReport;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Limit {
    max: u64,
    remaining: u64,
}

#[derive(Deserialize)]
struct GlobalDescribe {
    sobjects: Vec<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    name: String,
    #[serde(default)]
    queryable: bool,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
}

#[derive(Deserialize)]
struct Introspection {
    active: bool,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    username: Option<String>,
}

impl Salesforce {
    pub(super) async fn check_connection(&self) -> Result<TestReport, ConnectorError> {
        let mut report = TestReport::default();
        let call = self.get(self.url("limits"));
        // A test is one of the few calls that a used-up share does not stop.
        let limits = self.http.send(&call, |a| a.json::<HashMap<String, Value>>()).await?;
        let host = self.tokens.home().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
        report.checked.push(format!("reached {host}"));
        report.checked.push("token accepted".to_owned());
        let daily =
            limits.get("DailyApiRequests").cloned().and_then(|v| serde_json::from_value::<Limit>(v).ok());
        if let Some(Limit { max, remaining }) = daily {
            report.checked.push(format!(
                "{} of {max} calls of the last 24 hours used; Concord stops at {} percent",
                max.saturating_sub(remaining),
                self.settings.daily_share
            ));
        }
        if self.tokens.is_oauth().await? {
            self.check_grant(&mut report).await?;
        }
        if let Some((id, words)) = self.organization().await {
            report.account = Some(words);
            report.account_id = Some(as_account(&id));
        }
        let call = self.get(self.url("sobjects"));
        let known = self.http.send(&call, |a| a.json::<GlobalDescribe>()).await?;
        let mut readable = 0;
        for kind in &self.object_types {
            let line = match known.sobjects.iter().find(|s| s.name == kind.name) {
                Some(found) if found.queryable => {
                    readable += 1;
                    let verbs = [("read", true), ("create", found.createable), ("change", found.updateable)];
                    let can: Vec<&str> =
                        verbs.iter().filter(|(_, yes)| *yes).map(|(verb, _)| *verb).collect();
                    format!("{}: can {}", kind.name, can.join(", "))
                }
                Some(_) => format!("{}: cannot be queried", kind.name),
                None => format!("{}: not there, or not visible to the user that authorized", kind.name),
            };
            report.checked.push(line);
        }
        if readable == 0 {
            return Err(self.error(
                ErrorKind::Forbidden,
                "none of its supportedObjectTypes can be read by the user that authorized; give that user access to the objects, or authorize as another",
            ));
        }
        Ok(report)
    }

    /// What the token was granted for, and to whom.
    async fn check_grant(&self, report: &mut TestReport) -> Result<(), ConnectorError> {
        let Some(provider) = self.tokens.provider() else { return Ok(()) };
        let Some(url) = provider.introspect_url.clone() else { return Ok(()) };
        let token = self.tokens.current().await?;
        let secret = self.tokens.client_secret().await?.unwrap_or_else(|| Secret::new(""));
        let call = provider.about_token(url, token, secret, "access_token");
        let told = match self.http.send(&call, |a| a.json::<Introspection>()).await {
            Ok(told) => told,
            // Not every app may ask; the token was accepted above.
            Err(Failure::Refused(_)) => return Ok(()),
            Err(failure) => return Err(failure.into()),
        };
        if !told.active {
            return Err(self.error(
                ErrorKind::Unauthorized,
                "Salesforce says that the token is not active; authorize again",
            ));
        }
        if let Some(user) = told.username {
            report.checked.push(format!("authorized as {}", super::words::clean(&user)));
        }
        if let Some(granted) = told.scope {
            let granted: Vec<&str> = granted.split_whitespace().collect();
            let has = |names: &[&str]| names.iter().any(|name| granted.contains(name));
            let mut missing = Vec::new();
            if !has(&["api", "full"]) {
                missing.push("api".to_owned());
            }
            if self.settings.grant == Grant::Consent && !has(&["refresh_token", "offline_access"]) {
                missing.push("refresh_token".to_owned());
            }
            report.missing_scopes = missing;
        }
        Ok(())
    }

    pub(super) async fn organization_id(&self) -> Result<Option<String>, ConnectorError> {
        match self.query_at("query", "SELECT Id FROM Organization").await {
            Ok(page) => {
                let id = page.records.first().and_then(|record| text(record, "Id"));
                Ok(id.map(|id| as_account(&id)))
            }
            // Not every user may read it.
            Err(Failure::Refused(refusal)) if refusal.error.kind != ErrorKind::Unauthorized => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The organization on the other side by its id, and in words. Not every user may read it.
    async fn organization(&self) -> Option<(String, String)> {
        let page =
            self.query_page("SELECT Id, Name, OrganizationType, IsSandbox FROM Organization").await.ok()?;
        let organization = page.records.first()?;
        let sandbox = organization.get("IsSandbox").and_then(Value::as_bool).unwrap_or(false);
        let kind = text(organization, "OrganizationType").unwrap_or_default();
        let place = if sandbox { " sandbox" } else { "" };
        let id = text(organization, "Id")?;
        let words = format!("{} ({id}, {kind}{place})", text(organization, "Name")?).replace(", )", ")");
        Some((id, words))
    }
}

fn text(record: &Attributes, name: &str) -> Option<String> {
    record.get(name).and_then(Value::as_str).map(super::words::clean)
}

fn as_account(id: &str) -> String {
    format!("organization {id}")
}
