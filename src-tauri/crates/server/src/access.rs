//! Who may come in: the names this server is called by, the pages that may call it, and the administrator's password.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use api::PasswordProof;
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
    /// By a password that was generated with full strength and of which only a hash is kept.
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
        let basic = || {
            let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
            if !scheme.eq_ignore_ascii_case("basic") {
                return None;
            }
            let decoded = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
            let (user, password) = decoded.split_once(':')?;
            Some((user.to_owned(), Secret::new(password)))
        };
        basic().map_or(Self::Other, |(user, password)| Self::Password(user, password))
    }
}

/// The door.
pub(crate) struct Access {
    administrator: Administrator,
    hosts: HostNames,
    scheme: &'static str,
    guesses: Guesses,
    /// A key of this process alone, under which passwords are compared.
    key: [u8; 32],
    /// The keyed hash of the password, once it is known to be right.
    proven: Mutex<Option<[u8; 32]>>,
    /// One password at a time is put to the slow test.
    test: Semaphore,
}

impl Access {
    pub fn new(
        administrator: Administrator,
        hosts: HostNames,
        scheme: &'static str,
    ) -> std::io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other)?;
        let proven = match &administrator {
            Administrator::Generated(_) => None,
            Administrator::Chosen(password) => Some(keyed(&key, password)),
        };
        Ok(Self {
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

    /// Lets the administrator pass.
    pub async fn administrator(&self, peer: IpAddr, presented: &Presented) -> Result<(), Problem> {
        let (user, password) = match presented {
            Presented::Nothing => return Err(unauthorized()),
            Presented::Other => ("", &Secret::new("")),
            Presented::Password(user, password) => (user.as_str(), password),
        };
        // A generated password cannot be guessed however fast somebody tries, so it never waits behind those who do.
        if matches!(self.administrator, Administrator::Generated(_)) {
            if self.is_right(user, password).await {
                return Ok(());
            }
        } else {
            self.guesses.turn(peer).await.map_err(too_many)?;
            if self.is_right(user, password).await {
                self.guesses.passed(peer);
                return Ok(());
            }
        }
        self.guesses.missed(peer).await.map_err(too_many)?;
        Err(unauthorized())
    }

    async fn is_right(&self, user: &str, password: &Secret) -> bool {
        let named = bool::from(user.as_bytes().ct_eq(ADMINISTRATOR.as_bytes()));
        let shown = keyed(&self.key, password);
        if let Some(proven) = *self.proven() {
            return bool::from(proven.ct_eq(&shown)) && named;
        }
        let Administrator::Generated(proof) = &self.administrator else { return false };
        let Ok(_turn) = self.test.acquire().await else { return false };
        let (proof, password) = (proof.clone(), password.clone());
        let right = tokio::task::spawn_blocking(move || proof.matches(&password)).await.unwrap_or(false);
        if right {
            *self.proven() = Some(shown);
        }
        right && named
    }

    fn proven(&self) -> std::sync::MutexGuard<'_, Option<[u8; 32]>> {
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

fn too_many(_: TooMany) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many attempts to sign in; wait and try again").after(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access::new(
            Administrator::Chosen(Secret::new("right horse")),
            HostNames::and(["People.Example.org".into()]),
            "http",
        )
        .unwrap()
    }

    #[test]
    fn only_its_own_names_reach_it() {
        let access = access();
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
    fn both_ways_to_sign_in_are_read() {
        for (headers, expect) in [
            (&[("authorization", "Basic b3BlbmlkbS1hZG1pbjphOmI=")][..], Some(("openidm-admin", "a:b"))),
            (&[("authorization", "basic  b3BlbmlkbS1hZG1pbjphOmI= ")], Some(("openidm-admin", "a:b"))),
            (&[("x-openidm-username", "u"), ("x-openidm-password", "p")], Some(("u", "p"))),
            (&[("authorization", "Basic ???")], None),
            (&[("authorization", "Bearer x")], None),
            (&[("x-openidm-username", "u")], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(HeaderName::from_static(name), value.parse().unwrap());
            }
            let read = match Presented::read(&map) {
                Presented::Password(user, password) => Some((user, password)),
                _ => None,
            };
            assert_eq!(read.as_ref().map(|(u, p)| (u.as_str(), p.expose())), expect, "{headers:?}");
        }
    }
}
