//! The sandboxes that the window offers. HubSpot's runs beside this host anyway; Salesforce's is started when it is wanted.

use std::net::Ipv4Addr;

use api::{ApiError, ErrorCode, SandboxAccess, dto::SandboxState};
use sandbox::salesforce;
use tokio::net::TcpListener;

use crate::{ACCESS_TOKEN, Host, SEED};

/// Users of the Salesforce sandbox to begin with.
const USERS: usize = 30;

impl Host {
    pub async fn sandboxes(&self) -> Vec<SandboxState> {
        let salesforce = self.salesforce.lock().await;
        let state = |provider: &str, title: &str, url: Option<String>, records: usize| SandboxState {
            provider: provider.into(),
            title: title.into(),
            kept: provider == "hubspot",
            url,
            records: records as u64,
        };
        vec![
            state("hubspot", "HubSpot", Some(self.sandbox.clone()), self.records),
            state(
                "salesforce",
                "Salesforce",
                salesforce.as_ref().map(salesforce::Sandbox::url),
                salesforce.as_ref().map_or(0, |sandbox| sandbox.org().count("User")),
            ),
        ]
    }

    pub async fn switch(&self, provider: &str, on: bool) -> Result<(), ApiError> {
        if provider != "salesforce" {
            return Ok(());
        }
        let mut running = self.salesforce.lock().await;
        match (on, running.take()) {
            (true, Some(sandbox)) => *running = Some(sandbox),
            (true, None) => {
                let begun = async {
                    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                    let options =
                        salesforce::Options { records: USERS, seed: SEED, ..salesforce::Options::default() };
                    salesforce::Sandbox::start(listener, options).await
                };
                *running = Some(begun.await.map_err(|problem| {
                    ApiError::new(ErrorCode::Storage, format!("The sandbox could not be started: {problem}."))
                })?);
            }
            (false, Some(sandbox)) => sandbox.stop().await,
            (false, None) => {}
        }
        Ok(())
    }

    pub async fn access(&self, provider: &str) -> Result<SandboxAccess, ApiError> {
        let usual = salesforce::Options::default();
        let salesforce = self.salesforce.lock().await.as_ref().map(salesforce::Sandbox::url);
        let url = if provider == "salesforce" { salesforce } else { Some(self.sandbox.clone()) };
        Ok(SandboxAccess {
            provider: provider.into(),
            url: url.ok_or_else(|| ApiError::new(ErrorCode::Conflict, "The sandbox does not run."))?,
            access_token: ACCESS_TOKEN.into(),
            client_id: usual.client_id,
            client_secret: usual.client_secret,
        })
    }
}
