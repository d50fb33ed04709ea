//! How a connection reaches the network: addresses, TLS, proxy, limits. Everything comes from its configuration and
//! nothing from the environment.

use std::time::Duration;

use model::{ConnectorConfig, Secret};
use reqwest::{Certificate, Client, Proxy, redirect};
use url::{Host, Url};

use super::tls;
use crate::error::{ConnectorError, ErrorKind};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than the idle time of the usual load balancers, so that a write does not meet a connection that is being
/// closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
const DEFAULT_TIMEOUT_SECONDS: u64 = 60;

/// The network settings of one connection.
#[derive(Debug, Clone)]
pub(crate) struct NetworkSettings {
    name: String,
    timeout: Duration,
    proxy: Option<ProxySettings>,
    accept_self_signed: bool,
    any_host_name: bool,
    ca_file: Option<String>,
}

#[derive(Debug, Clone)]
struct ProxySettings {
    url: Url,
    user: Option<String>,
}

impl NetworkSettings {
    pub(crate) fn from_config(config: &ConnectorConfig) -> Result<Self, ConnectorError> {
        let proxy = match config.text("httpProxyHost")? {
            None => None,
            Some(host) => {
                let port = config.number("httpProxyPort")?.unwrap_or(8080);
                let port = u16::try_from(port).ok().filter(|p| *p > 0).ok_or_else(|| {
                    config.bad("httpProxyPort", format!("is {port}; a port is between 1 and 65535"))
                })?;
                let url = proxy_url(host, port).ok_or_else(|| {
                    config.bad(
                        "httpProxyHost",
                        "must be a host name or an address, for example `proxy.example.org`",
                    )
                })?;
                Some(ProxySettings { url, user: config.text("httpProxyUser")?.map(str::to_owned) })
            }
        };
        let seconds = config.number("requestTimeoutSeconds")?.unwrap_or(DEFAULT_TIMEOUT_SECONDS);
        if !(1..=600).contains(&seconds) {
            return Err(config.bad("requestTimeoutSeconds", "must be between 1 and 600").into());
        }
        Ok(Self {
            name: config.name.clone(),
            timeout: Duration::from_secs(seconds),
            proxy,
            accept_self_signed: config.switch("acceptSelfSignedCertificates", false)?,
            any_host_name: config.switch("disableHostNameVerifier", false)?,
            ca_file: config.text("caFile")?.map(str::to_owned),
        })
    }

    /// How long a call, or the wait for the next part of a long answer, may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether the proxy wants a password.
    pub(crate) fn wants_proxy_password(&self) -> bool {
        self.proxy.as_ref().is_some_and(|p| p.user.is_some())
    }

    /// The client. Redirects stay off: a token or a page of records must come from the configured host or not at all.
    pub(crate) async fn client(&self, proxy_password: Option<Secret>) -> Result<Client, ConnectorError> {
        let mut builder = Client::builder()
            .user_agent(concat!("Concord/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(self.timeout)
            .pool_idle_timeout(IDLE_CONNECTION)
            .no_proxy();
        if let Some(settings) = &self.proxy {
            let mut proxy = Proxy::all(settings.url.clone())
                .map_err(|e| self.wrong(format!("the proxy settings cannot be used: {}", e.without_url())))?;
            if let Some(user) = &settings.user {
                proxy = proxy.basic_auth(user, proxy_password.as_ref().map_or("", Secret::expose));
            }
            builder = builder.proxy(proxy);
        }
        let own = match &self.ca_file {
            None => Vec::new(),
            Some(path) => self.read_ca_file(path).await?,
        };
        builder = match (self.accept_self_signed, self.any_host_name) {
            (false, false) => builder.tls_certs_merge(own),
            // rustls can leave the host name out of the check only over an explicit list of roots.
            (false, true) => {
                let mut roots: Vec<Certificate> = rustls_native_certs::load_native_certs()
                    .certs
                    .iter()
                    .filter_map(|der| Certificate::from_der(der).ok())
                    .collect();
                roots.extend(own);
                builder.tls_certs_only(roots).tls_danger_accept_invalid_hostnames(true)
            }
            (true, false) => {
                let own = match &self.ca_file {
                    None => Vec::new(),
                    Some(path) => self.read_file(path).await?,
                };
                builder.tls_backend_preconfigured(
                    tls::accepting_self_signed(&own).map_err(|what| self.wrong(what))?,
                )
            }
            (true, true) => builder.tls_danger_accept_invalid_certs(true),
        };
        builder.build().map_err(|e| {
            if rustls_native_certs::load_native_certs().certs.is_empty() {
                return self.wrong(
                    "this system knows no certificate authority, so no address can be trusted; install its \
                     package ca-certificates",
                );
            }
            self.wrong(format!("the network settings cannot be used: {}", chain(&e.without_url())))
        })
    }

    async fn read_ca_file(&self, path: &str) -> Result<Vec<Certificate>, ConnectorError> {
        let pem = self.read_file(path).await?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|_| self.wrong(format!("caFile `{path}` is not a PEM file with certificates")))?;
        if certificates.is_empty() {
            return Err(self
                .wrong(format!("caFile `{path}` holds no certificate; give the PEM file of the authority")));
        }
        Ok(certificates)
    }

    async fn read_file(&self, path: &str) -> Result<Vec<u8>, ConnectorError> {
        tokio::fs::read(path).await.map_err(|e| {
            self.wrong(format!("caFile `{path}` cannot be read ({e}); check the path and its permissions"))
        })
    }

    fn wrong(&self, what: impl std::fmt::Display) -> ConnectorError {
        ConnectorError::new(ErrorKind::Configuration, format!("connector `{}`: {what}", self.name))
    }
}

fn proxy_url(host: &str, port: u16) -> Option<Url> {
    let text = if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
    let mut url = Url::parse(&text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h")
        && url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none();
    if !plain || url.host().is_none() {
        return None;
    }
    url.set_port(Some(port)).ok()?;
    Some(url)
}

/// Reads an address from a configuration: https, or http to this computer; no user, password, query or fragment.
pub(crate) fn address(
    config: &ConnectorConfig,
    property: &str,
    default: &str,
) -> Result<Url, ConnectorError> {
    checked_address(config, property, config.text(property)?.unwrap_or(default), default)
}

/// The same for a text that the caller has made of the property.
pub(crate) fn checked_address(
    config: &ConnectorConfig,
    property: &str,
    text: &str,
    example: &str,
) -> Result<Url, ConnectorError> {
    let url = Url::parse(text).map_err(|e| {
        config.bad(property, format!("is not an address ({e}); write for example `{example}`"))
    })?;
    let wrong = |what: &str| Err(config.bad(property, what).into());
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("must not hold a user or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("must not hold a query or a fragment");
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => wrong(
            "uses http, which sends tokens in clear; use https (http is accepted for this computer only: localhost, 127.0.0.1, [::1])",
        ),
        _ => wrong("must begin with https://"),
    }
}

/// Whether the address leads to this computer.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}
