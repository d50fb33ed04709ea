//! The HubSpot and Salesforce sandboxes in this process, for first steps without an account.
//!
//! The port of each is remembered: connectors point at it and must find it again after a restart. HubSpot's records are
//! kept in a file; those of Salesforce are made up anew each time.

use std::{
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use api::{
    ApiError, App, ErrorCode, SandboxAccess,
    dto::{ByProvider, ConnectorDetail, SampleSetup, SandboxState},
};
use sandbox::{hubspot, salesforce};
use tokio::{fs, net::TcpListener, sync::Mutex};

/// The key of a service account that every sandbox knows; it opens nothing but made-up data.
const ACCESS_TOKEN: &str = "sandbox-service-key";
const RECORDS: usize = 250;
const SEED: u64 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hubspot,
    Salesforce,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Hubspot, Self::Salesforce];

    fn named(provider: &str) -> Result<Self, ApiError> {
        Self::ALL.into_iter().find(|kind| kind.word() == provider).ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                format!("there is no sandbox of `{provider}`; there are hubspot and salesforce"),
            )
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Hubspot => "hubspot",
            Self::Salesforce => "salesforce",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Hubspot => "HubSpot",
            Self::Salesforce => "Salesforce",
        }
    }

    fn usual_port(self) -> u16 {
        match self {
            Self::Hubspot => 47811,
            Self::Salesforce => 47813,
        }
    }
}

enum Sandbox {
    Hubspot(hubspot::Sandbox),
    Salesforce(salesforce::Sandbox),
}

impl Sandbox {
    fn kind(&self) -> Kind {
        match self {
            Self::Hubspot(_) => Kind::Hubspot,
            Self::Salesforce(_) => Kind::Salesforce,
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Hubspot(sandbox) => sandbox.url(),
            Self::Salesforce(sandbox) => sandbox.url(),
        }
    }

    fn records(&self) -> u64 {
        let count = match self {
            Self::Hubspot(sandbox) => {
                let portal = sandbox.portal();
                portal.count(hubspot::ObjectKind::Contact) + portal.count(hubspot::ObjectKind::Company)
            }
            Self::Salesforce(sandbox) => {
                let org = sandbox.org();
                ["User", "Contact", "Lead", "Account"].iter().map(|kind| org.count(kind)).sum()
            }
        };
        count as u64
    }

    async fn stop(self) {
        match self {
            Self::Hubspot(sandbox) => sandbox.stop().await,
            Self::Salesforce(sandbox) => sandbox.stop().await,
        }
    }
}

/// The sandboxes of one data folder, each started when it is first wanted.
pub struct SandboxHost {
    folder: PathBuf,
    running: Mutex<Vec<Sandbox>>,
}

impl SandboxHost {
    /// The sandboxes of this data folder; nothing is started yet.
    pub fn new(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("sandbox"), running: Mutex::new(Vec::new()) }
    }

    /// Starts HubSpot's if need be, and makes the sample connector and mappings for it.
    pub async fn sample_setup(&self, app: &App) -> Result<SampleSetup, ApiError> {
        let url = self.run(app, Kind::Hubspot).await?;
        app.sample_setup(&url, ACCESS_TOKEN).await
    }

    /// Starts those that an earlier session used.
    pub async fn start_again(&self, app: &App) -> Result<(), ApiError> {
        for kind in Kind::ALL {
            if fs::try_exists(self.port_file(kind)).await.is_ok_and(|used| used) {
                self.run(app, kind).await?;
            }
        }
        Ok(())
    }

    /// How they stand.
    pub async fn list(&self) -> Vec<SandboxState> {
        let running = self.running.lock().await;
        Kind::ALL
            .into_iter()
            .map(|kind| {
                let found = running.iter().find(|sandbox| sandbox.kind() == kind);
                SandboxState {
                    provider: kind.word().into(),
                    title: kind.title().into(),
                    url: found.map(Sandbox::url),
                    records: found.map(Sandbox::records).unwrap_or_default(),
                    kept: kind == Kind::Hubspot,
                }
            })
            .collect()
    }

    /// Starts one, now and with every start of the program.
    pub async fn start(&self, app: &App, request: &ByProvider) -> Result<Vec<SandboxState>, ApiError> {
        self.run(app, Kind::named(&request.provider)?).await?;
        Ok(self.list().await)
    }

    /// Stops one, and starts it no more by itself.
    pub async fn end(&self, app: &App, request: &ByProvider) -> Result<Vec<SandboxState>, ApiError> {
        let kind = Kind::named(&request.provider)?;
        let ended = {
            let mut running = self.running.lock().await;
            let at = running.iter().position(|sandbox| sandbox.kind() == kind);
            at.map(|at| running.swap_remove(at))
        };
        if let Some(sandbox) = ended {
            sandbox.stop().await;
        }
        match fs::remove_file(self.port_file(kind)).await {
            Err(problem) if problem.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%problem, "the sandbox will be started again with the program");
            }
            _ => {}
        }
        if kind == Kind::Hubspot {
            app.set_sandbox_url(None);
        }
        Ok(self.list().await)
    }

    /// Starts one if need be, and makes a connector to it.
    pub async fn connect(&self, app: &App, request: &ByProvider) -> Result<ConnectorDetail, ApiError> {
        let kind = Kind::named(&request.provider)?;
        let url = self.run(app, kind).await?;
        let usual = salesforce::Options::default();
        app.sandbox_connector(&SandboxAccess {
            provider: kind.word().into(),
            url,
            access_token: ACCESS_TOKEN.into(),
            client_id: usual.client_id,
            client_secret: usual.client_secret,
        })
        .await
    }

    /// Ends them; what HubSpot's holds is in its state file.
    pub async fn stop(&self) {
        for sandbox in std::mem::take(&mut *self.running.lock().await) {
            sandbox.stop().await;
        }
    }

    async fn run(&self, app: &App, kind: Kind) -> Result<String, ApiError> {
        let mut running = self.running.lock().await;
        if let Some(sandbox) = running.iter().find(|sandbox| sandbox.kind() == kind) {
            return Ok(sandbox.url());
        }
        let sandbox = self.begin(kind).await.map_err(|problem| {
            ApiError::new(
                ErrorCode::Storage,
                format!(
                    "The {} sandbox could not be started with its data in {}: {problem}. \
                     Remove that folder to begin with fresh sample data.",
                    kind.title(),
                    self.folder.display()
                ),
            )
        })?;
        let url = sandbox.url();
        tracing::info!(url, "the {} sandbox is running", kind.title());
        if kind == Kind::Hubspot {
            app.set_sandbox_url(Some(url.clone()));
        }
        running.push(sandbox);
        Ok(url)
    }

    async fn begin(&self, kind: Kind) -> io::Result<Sandbox> {
        fs::create_dir_all(&self.folder).await?;
        let listener = listen(self.remembered_port(kind).await, kind.usual_port()).await?;
        let port = listener.local_addr()?.port();
        let sandbox = match kind {
            Kind::Hubspot => {
                let options = hubspot::Options {
                    records: RECORDS,
                    seed: SEED,
                    state_file: Some(self.folder.join("hubspot.json")),
                    ..hubspot::Options::default()
                };
                Sandbox::Hubspot(hubspot::Sandbox::start(listener, options).await.map_err(io::Error::other)?)
            }
            Kind::Salesforce => {
                let options =
                    salesforce::Options { records: RECORDS, seed: SEED, ..salesforce::Options::default() };
                Sandbox::Salesforce(salesforce::Sandbox::start(listener, options).await?)
            }
        };
        fs::write(self.port_file(kind), port.to_string()).await?;
        Ok(sandbox)
    }

    fn port_file(&self, kind: Kind) -> PathBuf {
        self.folder.join(format!("{}.port", kind.word()))
    }

    async fn remembered_port(&self, kind: Kind) -> Option<u16> {
        fs::read_to_string(self.port_file(kind)).await.ok()?.trim().parse().ok()
    }
}

/// The port of last time, else the usual one, else any that is free.
async fn listen(remembered: Option<u16>, usual: u16) -> io::Result<TcpListener> {
    let mut refusal = None;
    for port in remembered.into_iter().chain([usual, 0]) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(problem) => refusal = Some(problem),
        }
        if remembered == Some(port) {
            tracing::warn!(port, "the sandbox's port of last time is taken; its connectors may not find it");
        }
    }
    Err(refusal.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let other = listen(Some(port), port).await.unwrap();
        assert_ne!(other.local_addr().unwrap().port(), port);
    }

    #[tokio::test]
    async fn the_port_of_last_time_is_taken_up_again() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        assert_eq!(listen(Some(port), 0).await.unwrap().local_addr().unwrap().port(), port);
    }
}
