//! The HubSpot sandbox in this process, for first steps without an account.
//!
//! Its port is remembered beside its state: the sample connector points at it and must find it again after a restart.

use std::{
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use api::{ApiError, App, ErrorCode, dto::SampleSetup};
use sandbox::hubspot::{Options, Sandbox};
use tokio::{fs, net::TcpListener, sync::Mutex};

const USUAL_PORT: u16 = 47811;
/// The key of a service account that every sandbox knows; it opens nothing but made-up data.
const ACCESS_TOKEN: &str = "sandbox-service-key";
const RECORDS: usize = 250;
const SEED: u64 = 7;

/// The sandbox of one data folder, started when it is first wanted.
pub struct SandboxHost {
    state_file: PathBuf,
    port_file: PathBuf,
    running: Mutex<Option<Sandbox>>,
}

impl SandboxHost {
    /// The sandbox of this data folder; nothing is started yet.
    pub fn new(data_dir: &Path) -> Self {
        let folder = data_dir.join("sandbox");
        Self {
            state_file: folder.join("hubspot.json"),
            port_file: folder.join("hubspot.port"),
            running: Mutex::new(None),
        }
    }

    /// Starts the sandbox if need be, and makes the sample connector and mappings for it.
    pub async fn sample_setup(&self, app: &App) -> Result<SampleSetup, ApiError> {
        let url = self.start(app).await?;
        app.sample_setup(&url, ACCESS_TOKEN).await
    }

    /// Starts the sandbox if an earlier session used it.
    pub async fn start_again(&self, app: &App) -> Result<(), ApiError> {
        if fs::try_exists(&self.port_file).await.is_ok_and(|used| used) {
            self.start(app).await?;
        }
        Ok(())
    }

    /// Ends the sandbox; what it holds is in its state file.
    pub async fn stop(&self) {
        if let Some(sandbox) = self.running.lock().await.take() {
            sandbox.stop().await;
        }
    }

    async fn start(&self, app: &App) -> Result<String, ApiError> {
        let mut running = self.running.lock().await;
        if let Some(sandbox) = running.as_ref() {
            return Ok(sandbox.url());
        }
        let sandbox = self.begin().await.map_err(|problem| {
            ApiError::new(
                ErrorCode::Storage,
                format!(
                    "The sandbox could not be started with its data in {}: {problem}. \
                     Remove that file to begin with fresh sample data.",
                    self.state_file.display()
                ),
            )
        })?;
        let url = sandbox.url();
        tracing::info!(url, "the HubSpot sandbox is running");
        app.set_sandbox_url(Some(url.clone()));
        *running = Some(sandbox);
        Ok(url)
    }

    async fn begin(&self) -> io::Result<Sandbox> {
        if let Some(folder) = self.state_file.parent() {
            fs::create_dir_all(folder).await?;
        }
        let listener = listen(self.remembered_port().await).await?;
        let port = listener.local_addr()?.port();
        let options = Options {
            records: RECORDS,
            seed: SEED,
            state_file: Some(self.state_file.clone()),
            ..Options::default()
        };
        let sandbox = Sandbox::start(listener, options).await.map_err(io::Error::other)?;
        fs::write(&self.port_file, port.to_string()).await?;
        Ok(sandbox)
    }

    async fn remembered_port(&self) -> Option<u16> {
        fs::read_to_string(&self.port_file).await.ok()?.trim().parse().ok()
    }
}

/// The port of last time, else the usual one, else any that is free.
async fn listen(remembered: Option<u16>) -> io::Result<TcpListener> {
    let mut refusal = None;
    for port in remembered.into_iter().chain([USUAL_PORT, 0]) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(problem) => refusal = Some(problem),
        }
        if remembered == Some(port) {
            tracing::warn!(
                port,
                "the sandbox's port of last time is taken; the sample connector may not find it"
            );
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
        let other = listen(Some(port)).await.unwrap();
        assert_ne!(other.local_addr().unwrap().port(), port);
    }

    #[tokio::test]
    async fn the_port_of_last_time_is_taken_up_again() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        assert_eq!(listen(Some(port)).await.unwrap().local_addr().unwrap().port(), port);
    }
}
