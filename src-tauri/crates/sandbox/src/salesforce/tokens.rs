//! Sessions and refresh tokens that the org has given out.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

/// Authorizations of one user for one app that live side by side; the next one ends the oldest.
const MOST_GRANTS: usize = 5;

/// An access token is a session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub scopes: BTreeSet<String>,
    pub issued: i64,
    pub expires: i64,
    grant: Option<u64>,
}

/// One authorization and the refresh tokens that came of it, of which the last one counts.
#[derive(Debug)]
struct Grant {
    number: u64,
    scopes: BTreeSet<String>,
    tokens: Vec<String>,
    /// A grant without refresh token dies with its session.
    refreshable: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    sessions: HashMap<String, Session>,
    grants: Vec<Grant>,
    next_grant: u64,
    /// Times that a replaced refresh token came back.
    pub reuses: u64,
    pub refreshes: u64,
}

/// What a token request gives.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub access: String,
    pub refresh: Option<String>,
    pub scopes: BTreeSet<String>,
}

impl Tokens {
    /// An authorization for what a person allowed; with the scope for it, also a refresh token.
    pub(crate) fn authorize(&mut self, scopes: BTreeSet<String>, life: Life<'_>) -> Issued {
        if self.grants.len() >= MOST_GRANTS {
            let oldest = self.grants.remove(0);
            self.end_sessions(oldest.number);
        }
        let refreshable = scopes.contains("refresh_token") || scopes.contains("offline_access");
        let number = self.next_grant;
        self.next_grant += 1;
        let refresh = refreshable.then(refresh_token);
        let tokens = refresh.clone().into_iter().collect();
        self.grants.push(Grant { number, scopes: scopes.clone(), tokens, refreshable });
        Issued { access: self.session(Some(number), &scopes, life), refresh, scopes }
    }

    /// A new session. With `rotate` the refresh token is replaced; one that was replaced before ends its whole family.
    pub(crate) fn renew(&mut self, refresh: &str, rotate: bool, life: Life<'_>) -> Option<Issued> {
        let at = self.grants.iter().position(|grant| grant.tokens.iter().any(|token| token == refresh))?;
        let grant = self.grants.get_mut(at)?;
        if grant.tokens.last().map(String::as_str) != Some(refresh) {
            self.reuses += 1;
            let ended = self.grants.remove(at);
            self.end_sessions(ended.number);
            return None;
        }
        let next = rotate.then(refresh_token);
        grant.tokens.extend(next.clone());
        let (number, scopes) = (grant.number, grant.scopes.clone());
        self.refreshes += 1;
        Some(Issued { access: self.session(Some(number), &scopes, life), refresh: next, scopes })
    }

    /// A session without refresh token, as client credentials give.
    pub(crate) fn open(&mut self, scopes: BTreeSet<String>, life: Life<'_>) -> Issued {
        Issued { access: self.session(None, &scopes, life), refresh: None, scopes }
    }

    fn session(&mut self, grant: Option<u64>, scopes: &BTreeSet<String>, life: Life<'_>) -> String {
        // A day after its end nobody asks about a session any more.
        self.sessions.retain(|_, session| session.expires > life.now - super::time::DAY);
        let access = format!("{}!sandbox-session-{}", life.org, Uuid::new_v4());
        let expires = life.now + life.seconds * 1000;
        self.sessions
            .insert(access.clone(), Session { scopes: scopes.clone(), issued: life.now, expires, grant });
        access
    }

    pub(crate) fn live_session(&self, token: &str, now: i64) -> Option<&Session> {
        self.sessions.get(token).filter(|session| session.expires > now)
    }

    /// The scopes of a refresh token that still works.
    pub(crate) fn refresh_scopes(&self, token: &str) -> Option<&BTreeSet<String>> {
        self.grants
            .iter()
            .find(|grant| grant.refreshable && grant.tokens.last().map(String::as_str) == Some(token))
            .map(|grant| &grant.scopes)
    }

    /// Ends a session, or with a refresh token the whole authorization; false when nothing was known by that name.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        if self.sessions.remove(token).is_some() {
            return true;
        }
        let Some(at) = self.grants.iter().position(|grant| grant.tokens.iter().any(|known| known == token))
        else {
            return false;
        };
        let ended = self.grants.remove(at);
        self.end_sessions(ended.number);
        true
    }

    fn end_sessions(&mut self, grant: u64) {
        self.sessions.retain(|_, session| session.grant != Some(grant));
    }

    /// Lets every session end now.
    pub(crate) fn expire_all(&mut self, now: i64) {
        for session in self.sessions.values_mut() {
            session.expires = session.expires.min(now);
        }
    }

    /// Ends every authorization, as when an administrator revokes the app.
    pub(crate) fn revoke_all(&mut self) {
        self.sessions.clear();
        self.grants.clear();
    }

    pub(crate) fn grants(&self) -> usize {
        self.grants.len()
    }
}

/// What a new session needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life<'a> {
    pub now: i64,
    pub seconds: i64,
    /// The org's 15-character id, with which every access token begins.
    pub org: &'a str,
}

fn refresh_token() -> String {
    format!("sandbox-refresh-{}", Uuid::new_v4())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(now: i64) -> Life<'static> {
        Life { now, seconds: 60, org: "00DSb0000000001" }
    }

    fn authorize(tokens: &mut Tokens) -> Issued {
        tokens.authorize(["api", "refresh_token"].map(str::to_owned).into(), life(0))
    }

    #[test]
    fn a_replaced_refresh_token_ends_the_family() {
        let mut tokens = Tokens::default();
        let first = authorize(&mut tokens);
        let other = authorize(&mut tokens);
        let second = tokens.renew(first.refresh.as_deref().unwrap(), true, life(0)).unwrap();
        assert!(tokens.live_session(&second.access, 0).is_some());
        assert!(tokens.renew(first.refresh.as_deref().unwrap(), true, life(0)).is_none());
        assert_eq!(tokens.reuses, 1);
        assert!(tokens.live_session(&second.access, 0).is_none());
        assert!(tokens.renew(second.refresh.as_deref().unwrap(), true, life(0)).is_none());
        assert!(tokens.live_session(&other.access, 0).is_some());
        assert!(tokens.renew(other.refresh.as_deref().unwrap(), false, life(0)).unwrap().refresh.is_none());
    }

    #[test]
    fn the_sixth_authorization_ends_the_first() {
        let mut tokens = Tokens::default();
        let all: Vec<_> = (0..6).map(|_| authorize(&mut tokens)).collect();
        assert!(tokens.renew(all[0].refresh.as_deref().unwrap(), false, life(0)).is_none());
        assert!(tokens.live_session(&all[0].access, 0).is_none());
        assert!(tokens.renew(all[1].refresh.as_deref().unwrap(), false, life(0)).is_some());
        assert_eq!(tokens.grants(), 5);
    }

    #[test]
    fn sessions_end() {
        let mut tokens = Tokens::default();
        let issued = authorize(&mut tokens);
        assert!(tokens.live_session(&issued.access, 59_999).is_some());
        assert!(tokens.live_session(&issued.access, 60_000).is_none());
        assert!(tokens.revoke(issued.refresh.as_deref().unwrap()));
        assert!(tokens.live_session(&issued.access, 0).is_none());
        assert!(!tokens.revoke("unknown"));
    }
}
