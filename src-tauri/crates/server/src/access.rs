//! Who may come in: the names this server is called by, the pages that may call it, and the administrator's password.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use api::{ApiError, ApiScope, App, PasswordProof};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::Secret;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::{
    guesses::{Guesses, TooMany},
    problem::Problem,
    rest::ADMINISTRATOR,
};

const USERNAME: HeaderName = HeaderName::from_static("x-openidm-username");
const PASSWORD: HeaderName = HeaderName::from_static("x-openidm-password");

/// How the administrator is known.
pub enum Administrator {
    /// By a password that was generated with full strength and of which only a hash is kept. When another one is made, by
    /// whatever process, that one counts from then on.
    Generated(PasswordProof),
    /// By this password, which somebody chose.
    Chosen(Secret),
}

/// The names that a request may call this server by. Any other is a page's attempt to reach it by a name of its own.
#[derive(Debug, Clone, Default)]
pub struct HostNames(Vec<String>);

impl HostNames {
    /// This machine's own names, and these.
    pub fn and(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Whether a `Host` header (or the authority of an `Origin`) is one of them, with whatever port.
    fn has(&self, authority: &str) -> bool {
        let Some(name) = without_port(authority) else { return false };
        let name = name.to_ascii_lowercase();
        matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]") || self.0.contains(&name)
    }
}

/// The host of an authority; `None` for what is no authority.
fn without_port(authority: &str) -> Option<&str> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (name, port) = authority.split_at_checked(end)?;
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok());
    (fits && !name.is_empty()).then_some(name)
}

/// What a request brings to sign in with.
pub(crate) enum Presented {
    /// Nothing.
    Nothing,
    /// A name and a password, by Basic authentication or by IDM's headers.
    Password(String, Secret),
    /// A bearer token.
    Token(Secret),
    /// Something that cannot be read or that nobody here knows.
    Other,
}

impl Presented {
    pub fn read(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if let (Some(user), Some(password)) = (text(USERNAME), text(PASSWORD)) {
            return Self::Password(user.to_owned(), Secret::new(password));
        }
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Self::Nothing };
        let read = || {
            let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
            match scheme.to_ascii_lowercase().as_str() {
                "bearer" => Some(Self::Token(Secret::new(rest.trim()))),
                "basic" => {
                    let decoded = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
                    let (user, password) = decoded.split_once(':')?;
                    Some(Self::Password(user.to_owned(), Secret::new(password)))
                }
                _ => None,
            }
        };
        read().unwrap_or(Self::Other)
    }
}

/// Who has signed in to the REST part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The administrator's name, or the token's.
    pub name: String,
    /// What they may do.
    pub scope: ApiScope,
}

/// The door.
pub(crate) struct Access {
    /// Where tokens and the generated password's proof are kept.
    app: Arc<App>,
    administrator: Administrator,
    hosts: HostNames,
    scheme: &'static str,
    guesses: Guesses,
    /// A key of this process alone, under which passwords are compared.
    key: [u8; 32],
    /// The keyed hash of the password, once it is known to be right.
    proven: Mutex<Option<Proven>>,
    /// One password at a time is put to the slow test.
    test: Semaphore,
}

/// A password that has been put to the slow test.
#[derive(Clone)]
struct Proven {
    /// By which proof; there is none of a password that somebody chose.
    by: Option<PasswordProof>,
    shown: [u8; 32],
}

impl Access {
    pub fn new(
        app: Arc<App>,
        administrator: Administrator,
        hosts: HostNames,
        scheme: &'static str,
    ) -> std::io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other)?;
        let proven = match &administrator {
            Administrator::Generated(_) => None,
            Administrator::Chosen(password) => Some(Proven { by: None, shown: keyed(&key, password) }),
        };
        Ok(Self {
            app,
            administrator,
            hosts,
            scheme,
            guesses: Guesses::default(),
            key,
            proven: Mutex::new(proven),
            test: Semaphore::new(1),
        })
    }

    /// Whether a request was meant for this server, and by no page of somebody else.
    pub fn meant_for_us(&self, host: Option<&str>, headers: &HeaderMap) -> Result<(), Problem> {
        let refused = || Problem::new(StatusCode::FORBIDDEN, "Access denied");
        let host = host.filter(|host| self.hosts.has(host)).ok_or_else(refused)?;
        for origin in headers.get_all(header::ORIGIN) {
            let own = origin.to_str().ok().and_then(|origin| origin.split_once("://")).is_some_and(
                |(scheme, authority)| scheme == self.scheme && authority.eq_ignore_ascii_case(host),
            );
            if !own {
                return Err(refused());
            }
        }
        Ok(())
    }

    /// Lets the administrator and the owners of tokens pass.
    pub async fn caller(&self, peer: IpAddr, presented: &Presented) -> Result<Caller, Problem> {
        let Presented::Token(token) = presented else {
            self.administrator(peer, presented).await?;
            return Ok(Caller { name: ADMINISTRATOR.to_owned(), scope: ApiScope::Full });
        };
        // A token cannot be guessed however fast somebody tries, so the right one never waits.
        match self.app.api_token_of(token).await.map_err(|error| unreadable(&error))? {
            Some(token) => Ok(Caller { name: token.name, scope: token.scope }),
            None => self.refuse(peer).await,
        }
    }

    /// Lets the administrator pass.
    pub async fn administrator(&self, peer: IpAddr, presented: &Presented) -> Result<(), Problem> {
        let (user, password) = match presented {
            Presented::Nothing => return Err(unauthorized()),
            Presented::Token(_) | Presented::Other => ("", &Secret::new("")),
            Presented::Password(user, password) => (user.as_str(), password),
        };
        // A generated password cannot be guessed however fast somebody tries, so it never waits behind those who do.
        if matches!(self.administrator, Administrator::Generated(_)) {
            if self.is_right(user, password).await? {
                return Ok(());
            }
        } else {
            self.guesses.turn(peer).await.map_err(too_many)?;
            if self.is_right(user, password).await? {
                self.guesses.passed(peer);
                return Ok(());
            }
        }
        self.refuse(peer).await
    }

    /// What a wrong name, password or token gets, and late.
    async fn refuse<T>(&self, peer: IpAddr) -> Result<T, Problem> {
        self.guesses.missed(peer).await.map_err(too_many)?;
        Err(unauthorized())
    }

    /// Whether name and password are the administrator's. Which of the two is wrong makes no difference to the answer.
    async fn is_right(&self, user: &str, password: &Secret) -> Result<bool, Problem> {
        let named = bool::from(user.as_bytes().ct_eq(ADMINISTRATOR.as_bytes()));
        let shown = keyed(&self.key, password);
        let by = match &self.administrator {
            Administrator::Chosen(_) => None,
            Administrator::Generated(proof) => {
                let now = self.app.rest_admin_proof().await.map_err(|error| unreadable(&error))?;
                Some(now.unwrap_or_else(|| proof.clone()))
            }
        };
        if let Some(proven) = self.proven().clone().filter(|proven| proven.by == by) {
            return Ok(bool::from(proven.shown.ct_eq(&shown)) && named);
        }
        let Some(proof) = by else { return Ok(false) };
        let Ok(_turn) = self.test.acquire().await else { return Ok(false) };
        let (by, password) = (proof.clone(), password.clone());
        let right = tokio::task::spawn_blocking(move || proof.matches(&password)).await.unwrap_or(false);
        if right {
            *self.proven() = Some(Proven { by: Some(by), shown });
        }
        Ok(right && named)
    }

    fn proven(&self) -> std::sync::MutexGuard<'_, Option<Proven>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keyed(key: &[u8; 32], password: &Secret) -> [u8; 32] {
    *blake3::keyed_hash(key, password.expose().as_bytes()).as_bytes()
}

fn unauthorized() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Access Denied")
        .with(header::WWW_AUTHENTICATE, "Basic realm=\"Restricted\", charset=\"UTF-8\"")
}

/// The repository did not answer. Who has not signed in is not told more about it.
fn unreadable(error: &ApiError) -> Problem {
    tracing::error!("nobody can sign in: {error}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "signing in is not possible just now; try again").after(5)
}

fn too_many(_: TooMany) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts to sign in; wait and try again").after(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn access(folder: &tempfile::TempDir) -> Access {
        let options =
            api::AppOptions { data_dir: folder.path().to_owned(), passphrase: Some("for tests only".into()) };
        Access::new(
            App::open(options).await.unwrap(),
            Administrator::Chosen(Secret::new("right horse")),
            HostNames::and(["People.Example.org".into()]),
            "http",
        )
        .unwrap()
    }

    #[tokio::test]
    async fn only_its_own_names_reach_it() {
        let folder = tempfile::tempdir().unwrap();
        let access = access(&folder).await;
        for (host, origin, meant) in [
            (Some("localhost:8080"), None, true),
            (Some("LOCALHOST"), None, true),
            (Some("127.0.0.1:1"), None, true),
            (Some("[::1]:8080"), None, true),
            (Some("people.example.org:8443"), None, true),
            (Some("localhost:8080"), Some("http://localhost:8080"), true),
            (Some("localhost:8080"), Some("http://127.0.0.1:8080"), false),
            (Some("localhost:8080"), Some("https://localhost:8080"), false),
            (Some("localhost:8080"), Some("http://localhost:9090"), false),
            (Some("localhost:8080"), Some("https://evil.test"), false),
            (Some("localhost:8080"), Some("null"), false),
            (Some("evil.test"), None, false),
            (Some("localhost.evil.test"), None, false),
            (Some("127.0.0.1.evil.test:80"), None, false),
            (Some("localhost:x"), None, false),
            (Some("a@localhost"), None, false),
            (Some("[::1"), None, false),
            (Some(""), None, false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(access.meant_for_us(host, &headers).is_ok(), meant, "{host:?} {origin:?}");
        }
    }

    #[test]
    fn every_way_to_sign_in_is_read() {
        for (headers, expect) in [
            (&[("authorization", "Basic b3BlbmlkbS1hZG1pbjphOmI=")][..], Some(("openidm-admin", "a:b"))),
            (&[("authorization", "basic  b3BlbmlkbS1hZG1pbjphOmI= ")], Some(("openidm-admin", "a:b"))),
            (&[("x-openidm-username", "u"), ("x-openidm-password", "p")], Some(("u", "p"))),
            (&[("authorization", "Basic ???")], None),
            (&[("authorization", "Bearer x")], Some(("bearer", "x"))),
            (&[("authorization", "Digest x")], None),
            (&[("x-openidm-username", "u")], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(HeaderName::from_static(name), value.parse().unwrap());
            }
            let read = match Presented::read(&map) {
                Presented::Password(user, password) => Some((user, password)),
                Presented::Token(token) => Some(("bearer".to_owned(), token)),
                _ => None,
            };
            assert_eq!(read.as_ref().map(|(u, p)| (u.as_str(), p.expose())), expect, "{headers:?}");
        }
    }
}
