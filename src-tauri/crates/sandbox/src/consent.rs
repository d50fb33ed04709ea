//! Asking a person whether an app may connect: questions that wait, codes that were given out, and the way back to the app.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::answer::Answer;
use crate::html::{escape, page};
use crate::request::{Request, field};

/// What a person is asked to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub redirect_uri: String,
    pub scopes: BTreeSet<String>,
    pub state: Option<String>,
    /// PKCE S256 challenge, when the client sent one.
    pub challenge: Option<String>,
}

impl Asked {
    /// The redirect to the app with what it is told; nothing when its address cannot be read.
    pub(crate) fn send_back(&self, parameters: &[(&str, &str)]) -> Option<Answer> {
        let mut url = url::Url::parse(&self.redirect_uri).ok()?;
        url.query_pairs_mut()
            .extend_pairs(parameters)
            .extend_pairs(self.state.iter().map(|state| ("state", state.as_str())));
        Some(Answer::redirect(302, url.as_str()))
    }
}

/// Whether a verifier belongs to a PKCE S256 challenge.
pub(crate) fn verifies(verifier: &str, challenge: &str) -> bool {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge.trim_end_matches('=')
}

/// Whether an address is plain HTTP on this machine, as desktop apps use it.
pub(crate) fn is_loopback(uri: &str) -> bool {
    url::Url::parse(uri)
        .is_ok_and(|url| url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1")))
}

/// Open questions and codes that were not redeemed yet. None of them outlives the stand-in.
#[derive(Debug, Default)]
pub(crate) struct Consents {
    waiting: HashMap<String, Asked>,
    /// With the time until which a code counts.
    codes: HashMap<String, (Asked, i64)>,
}

impl Consents {
    /// Keeps a question until the person answers it; gives its id.
    fn ask(&mut self, asked: Asked) -> String {
        let id = Uuid::new_v4().to_string();
        self.waiting.insert(id.clone(), asked);
        id
    }

    /// A code for what was allowed, good until `until` in epoch milliseconds.
    pub(crate) fn grant(&mut self, asked: Asked, until: i64) -> String {
        let code = format!("sandbox-code-{}", Uuid::new_v4());
        self.codes.insert(code.clone(), (asked, until));
        code
    }

    /// What a code stands for. It can be asked once, whatever comes of it.
    pub(crate) fn redeem(&mut self, code: &str, now: i64) -> Option<Asked> {
        self.codes.remove(code).filter(|(_, until)| now < *until).map(|(asked, _)| asked)
    }

    /// Forgets the codes.
    pub(crate) fn forget_codes(&mut self) {
        self.codes.clear();
    }

    /// The page with the question.
    pub(crate) fn page(&mut self, asked: Asked, words: &Words<'_>) -> Answer {
        let rights: String = words
            .scopes
            .iter()
            .filter(|(scope, _)| asked.scopes.contains(*scope))
            .map(|(_, words)| format!("<li>{}</li>", escape(words)))
            .collect();
        let body = format!(
            "<div class=\"card\"><h1>{question}</h1><p>{app} {wants}</p><ul>{rights}</ul>\
             <p class=\"note\">This is a {provider} sandbox on your own computer. After your choice you go back to {back}.</p>\
             <form method=\"post\" action=\"{decision}\">\
             <input type=\"hidden\" name=\"request\" value=\"{id}\">\
             <button class=\"main\" name=\"decision\" value=\"allow\">Allow</button>\
             <button name=\"decision\" value=\"deny\">Deny</button></form></div>",
            question = escape(words.question),
            app = escape(words.app),
            wants = words.wants,
            provider = words.provider,
            back = escape(&asked.redirect_uri),
            decision = words.decision,
            id = escape(&self.ask(asked.clone())),
        );
        Answer::html(200, page(words.title, &body))
    }

    /// The person's answer: what was asked, and whether it is allowed. A question can be answered once; asked again, the
    /// page that says so.
    pub(crate) fn decided(&mut self, request: &Request, title: &str) -> Result<(Asked, bool), Answer> {
        let form = request.form();
        let asked = self.waiting.remove(field(&form, "request")).ok_or_else(|| {
            let body = "<div class=\"card\"><h1>This question was already answered</h1>\
                        <p>Start again from the app that you want to connect.</p></div>";
            Answer::html(400, page(title, body))
        })?;
        Ok((asked, field(&form, "decision") == "allow"))
    }
}

/// A provider's words on its page.
pub(crate) struct Words<'a> {
    pub title: &'a str,
    pub question: &'a str,
    /// Follows the app's name.
    pub wants: &'a str,
    pub provider: &'a str,
    pub app: &'a str,
    /// Where the answer is sent.
    pub decision: &'a str,
    /// Scopes with what they mean to a person.
    pub scopes: &'a [(&'a str, &'a str)],
}
