//! Tokens that the sandbox has given out.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Access {
    pub scopes: BTreeSet<String>,
    pub expires: i64,
}

/// They outlive a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    access: HashMap<String, Access>,
    refresh: HashMap<String, BTreeSet<String>>,
}

/// One pair of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub access: String,
    pub refresh: String,
    pub scopes: BTreeSet<String>,
}

impl Tokens {
    /// Tokens for what a person allowed.
    pub(crate) fn open(&mut self, scopes: BTreeSet<String>, now: i64, lifetime: i64) -> Pair {
        let refresh = format!("sandbox-refresh-{}", Uuid::new_v4());
        self.refresh.insert(refresh.clone(), scopes.clone());
        self.issue(refresh, scopes, now, lifetime)
    }

    /// A new access token; with `rotate` the refresh token is replaced and the old one dies.
    pub(crate) fn renew(&mut self, refresh: &str, rotate: bool, now: i64, lifetime: i64) -> Option<Pair> {
        let scopes = self.refresh.get(refresh)?.clone();
        let mut refresh = refresh.to_owned();
        if rotate {
            self.refresh.remove(&refresh);
            refresh = format!("sandbox-refresh-{}", Uuid::new_v4());
            self.refresh.insert(refresh.clone(), scopes.clone());
        }
        Some(self.issue(refresh, scopes, now, lifetime))
    }

    fn issue(&mut self, refresh: String, scopes: BTreeSet<String>, now: i64, lifetime: i64) -> Pair {
        // A day after it ended nobody needs to be told that a token expired rather than never was.
        self.access.retain(|_, access| access.expires > now - 86_400_000);
        let access = format!("sandbox-access-{}", Uuid::new_v4());
        self.access.insert(access.clone(), Access { scopes: scopes.clone(), expires: now + lifetime * 1000 });
        Pair { access, refresh, scopes }
    }

    pub(crate) fn access(&self, token: &str) -> Option<&Access> {
        self.access.get(token)
    }

    pub(crate) fn refresh_scopes(&self, token: &str) -> Option<&BTreeSet<String>> {
        self.refresh.get(token)
    }

    pub(crate) fn revoke(&mut self, token: &str) {
        self.refresh.remove(token);
        self.access.remove(token);
    }

    /// Lets every access token end now.
    pub(crate) fn expire_all(&mut self, now: i64) {
        for access in self.access.values_mut() {
            access.expires = access.expires.min(now);
        }
    }

    /// Forgets all refresh tokens, as when the app is uninstalled.
    pub(crate) fn uninstall(&mut self) {
        *self = Tokens::default();
    }
}
