//! How a connection proves who it is, where no OAuth stands behind it: a token, a user and a password, a header.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Secret;
use reqwest::header::{AUTHORIZATION, HeaderName};

use super::settings::{Method, Settings};
use crate::credentials::Credentials;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::Bearer;

/// Credentials that do not change by themselves.
pub(super) struct FixedAccess {
    name: String,
    credentials: Arc<dyn Credentials>,
    method: Method,
    user: String,
    header: HeaderName,
}

impl FixedAccess {
    pub fn new(name: &str, settings: &Settings, credentials: Arc<dyn Credentials>) -> Self {
        let header = match (settings.method, &settings.header_name) {
            (Method::Header, Some(name)) => HeaderName::try_from(name.as_str()).unwrap_or(AUTHORIZATION),
            _ => AUTHORIZATION,
        };
        Self {
            name: name.to_owned(),
            credentials,
            method: settings.method,
            user: settings.user.clone().unwrap_or_default(),
            header,
        }
    }

    async fn secret(&self, property: &str) -> Result<Option<Secret>, ConnectorError> {
        Ok(self.credentials.secret(property).await?.filter(|s| !s.is_empty()))
    }
}

#[async_trait]
impl Bearer for FixedAccess {
    async fn current(&self) -> Result<Secret, ConnectorError> {
        let missing = |what: &str| {
            ConnectorError::new(ErrorKind::Configuration, format!("connector `{}`: {what}", self.name))
        };
        match self.method {
            Method::Basic => match self.secret("password").await? {
                Some(password) => {
                    Ok(Secret::new(STANDARD.encode(format!("{}:{}", self.user, password.expose()))))
                }
                None => Err(missing("it has no password; BASIC needs `user` and `password`")),
            },
            _ => self.secret("authToken").await?.ok_or_else(|| {
                missing("it has no token; set `authToken` to one that the server gave out for Concord")
            }),
        }
    }

    /// A person may have entered another one meanwhile; nothing else can be better.
    async fn replace(&self, refused: &Secret, _expired: bool) -> Result<Option<Secret>, ConnectorError> {
        let now = self.current().await?;
        Ok((now != *refused).then_some(now))
    }

    fn header(&self, token: &Secret) -> (HeaderName, Secret) {
        let value = match self.method {
            Method::Basic => format!("Basic {}", token.expose()),
            Method::Header => token.expose().to_owned(),
            Method::Token | Method::OAuth { .. } => format!("Bearer {}", token.expose()),
        };
        (self.header.clone(), Secret::new(value))
    }
}
