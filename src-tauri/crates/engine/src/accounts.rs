//! Which accounts a plan was made for. Two accounts of one provider have one address, and new credentials may lead from one to
//! the other.

use std::iter::repeat;

use model::ResourcePath;
use store::Run;

use crate::{Engine, EngineError, ends::Prepared};

impl Engine {
    /// The accounts of both ends; empty for one that is not known. `ask` has the provider asked for one that is not.
    pub(crate) async fn accounts(&self, prepared: &Prepared, ask: bool) -> Result<Vec<String>, EngineError> {
        let mut accounts = Vec::new();
        for path in [&prepared.source_path, &prepared.target_path] {
            let known = match path {
                ResourcePath::System { connector, .. } => self.connectors.account(connector, ask).await?,
                _ => None,
            };
            accounts.push(known.unwrap_or_default());
        }
        Ok(accounts)
    }

    /// Notes which accounts a plan is for that waits for a person: until somebody carries it out, a connector may lead elsewhere.
    /// What was known when the run began stays.
    pub(crate) async fn note_accounts(&self, run: &mut Run, prepared: &Prepared) {
        match self.accounts(prepared, true).await {
            Ok(accounts) => {
                let then =
                    std::mem::take(&mut run.progress.accounts).into_iter().chain(repeat(String::new()));
                let noted = accounts.into_iter().zip(then);
                run.progress.accounts =
                    noted.map(|(now, then)| if then.is_empty() { now } else { then }).collect();
            }
            // The plan was made all the same; it is bound to its addresses alone.
            Err(error) => {
                tracing::info!(run = run.id, %error, "the accounts of a plan could not be asked for")
            }
        }
    }

    /// Refuses what a run planned or did in other accounts than those that the connectors lead to now.
    pub(crate) async fn must_be_in_the_accounts_of(
        &self,
        prepared: &Prepared,
        run: &Run,
    ) -> Result<(), EngineError> {
        let then = &run.progress.accounts;
        if then.iter().all(String::is_empty) {
            return Ok(());
        }
        let now = self.accounts(prepared, true).await?;
        let moved = |(then, now): &(&String, &String)| !then.is_empty() && !now.is_empty() && then != now;
        match then.iter().zip(&now).find(moved) {
            None => Ok(()),
            Some((then, now)) => Err(EngineError::config(format!(
                "run {} was planned for {then}, and mapping `{}` leads to {now} now; nothing was written. Authorize the connector for \
                 {then} again, or start a new run",
                run.id,
                prepared.name(),
            ))),
        }
    }
}
