//! Codes and tokens that the sandbox has given out.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long an authorization code may be redeemed, in milliseconds.
const CODE_LIFETIME: i64 = 60_000;

/// What a person is asked to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub redirect_uri: String,
    pub scopes: BTreeSet<String>,
    pub state: Option<String>,
    /// PKCE S256 challenge, when the client sent one.
    pub challenge: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Access {
    pub scopes: BTreeSet<String>,
    pub expires: i64,
}

/// Why a code was not redeemed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CodeRefusal {
    Unknown,
    RedirectUri,
    Verifier,
}

/// Only the tokens outlive a restart; codes and open questions do not.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    #[serde(skip)]
    waiting: HashMap<String, Asked>,
    #[serde(skip)]
    codes: HashMap<String, (Asked, i64)>,
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
    /// Keeps a question until the person answers it.
    pub(crate) fn ask(&mut self, asked: Asked) -> String {
        let id = Uuid::new_v4().to_string();
        self.waiting.insert(id.clone(), asked);
        id
    }

    pub(crate) fn answered(&mut self, id: &str) -> Option<Asked> {
        self.waiting.remove(id)
    }

    pub(crate) fn grant(&mut self, asked: Asked, now: i64) -> String {
        let code = Uuid::new_v4().to_string();
        self.codes.insert(code.clone(), (asked, now + CODE_LIFETIME));
        code
    }

    /// Redeems a code once; a failed attempt uses it up as well.
    pub(crate) fn redeem(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        now: i64,
        lifetime: i64,
    ) -> Result<Pair, CodeRefusal> {
        let (asked, until) = self.codes.remove(code).ok_or(CodeRefusal::Unknown)?;
        if now >= until {
            return Err(CodeRefusal::Unknown);
        }
        if asked.redirect_uri != redirect_uri {
            return Err(CodeRefusal::RedirectUri);
        }
        if let Some(challenge) = &asked.challenge {
            let hashed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.unwrap_or_default().as_bytes()));
            if hashed != *challenge {
                return Err(CodeRefusal::Verifier);
            }
        }
        let refresh = format!("sandbox-refresh-{}", Uuid::new_v4());
        self.refresh.insert(refresh.clone(), asked.scopes.clone());
        Ok(self.issue(refresh, asked.scopes, now, lifetime))
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
