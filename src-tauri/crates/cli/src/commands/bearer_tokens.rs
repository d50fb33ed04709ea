//! How the commands about bearer tokens tell what they did; `api-token` and `scim-token` differ in what a token is good for.

use model::Secret;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    exit::{Exit, Failure},
    output::Output,
};

/// A kind of token, in words.
pub(super) struct Kind {
    /// What one is called.
    pub noun: &'static str,
    /// The member of a token's document that says what it is good for.
    pub good_for: &'static str,
    /// Where it is sent.
    pub used: &'static str,
    /// What there is to know where nobody has one.
    pub none: &'static str,
}

impl Kind {
    /// Prints a token that was made, this once.
    pub fn made(
        &self,
        output: &Output,
        name: &str,
        good_for: impl Serialize,
        token: &Secret,
    ) -> Result<Exit, Failure> {
        let mut document = Map::new();
        document.insert("name".into(), name.into());
        document.insert(self.good_for.into(), json!(good_for));
        document.insert("token".into(), token.expose().into());
        let lost =
            format!("the {} `{name}` is there and nobody knows it: revoke it and make another", self.noun);
        output.once(&Value::Object(document), token.expose(), &lost)?;
        if !output.is_json() {
            output.hint(&format!("The token is shown this once; only a hash of it is kept. {}", self.used));
        }
        Ok(Exit::Done)
    }

    /// Lists tokens: each with its name, what it is good for, and when it was made.
    pub fn list<T: Serialize>(
        &self,
        output: &Output,
        tokens: Vec<T>,
        row: impl Fn(T) -> (String, Value, String),
    ) -> Result<Exit, Failure> {
        if output.is_json() {
            output.document(&tokens)?;
        } else {
            let rows: Vec<[String; 3]> = tokens
                .into_iter()
                .map(|token| {
                    let (name, good_for, created) = row(token);
                    [name, good_for.as_str().unwrap_or_default().to_owned(), created]
                })
                .collect();
            output.table(["NAME", &self.good_for.to_uppercase(), "CREATED"], &rows, self.none)?;
        }
        Ok(Exit::Done)
    }

    /// Says that a token is worthless now.
    pub fn revoked(&self, output: &Output, name: &str) -> Result<Exit, Failure> {
        if output.is_json() {
            output.document(&json!({"name": name, "result": "revoked"}))?;
        } else {
            output.line(format!("{} {name} revoked", self.noun))?;
        }
        Ok(Exit::Done)
    }
}
