//! Which accounts a plan was made for, and links were made in. Two accounts of one provider have one address, and new
//! credentials may lead from one to the other.

use std::iter::repeat;

use model::ResourcePath;
use store::{GuardResult, Run};

use crate::{Engine, EngineError, ends::Prepared};

/// A connector that leads to another account than the links of its mapping: an id means somebody else there, or nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strayed {
    connector: String,
    /// Where the links lead.
    then: String,
    now: String,
}

impl Strayed {
    /// A run waits for a person, who alone knows which of the two is right.
    pub(crate) fn guard(&self, allowed: bool) -> GuardResult {
        let Self { connector, then, now } = self;
        GuardResult {
            name: "otherAccount".into(),
            limit: then.clone(),
            planned: now.clone(),
            holds: !allowed,
            message: format!(
                "the links are to records of {then}, and connector `{connector}` leads to {now} now. Authorize it for {then} again; \
                 if {now} is right, look at the plan and release the run with an allowance"
            ),
        }
    }

    fn refusal(&self, prepared: &Prepared) -> EngineError {
        let Self { connector, then, now } = self;
        EngineError::config(format!(
            "the links of mapping `{}` are to records of {then}, and connector `{connector}` leads to {now} now; nothing was \
             written there. Authorize it for {then} again, or, if {now} is right, run the mapping and release that run",
            prepared.name(),
        ))
    }
}

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

    /// Whether an end of a mapping leads to another account than its links. The provider is asked where these credentials are
    /// new.
    pub(crate) async fn strayed(&self, prepared: &Prepared) -> Result<Option<Strayed>, EngineError> {
        let kind = prepared.link_type().to_owned();
        let linked = self.store.read(move |r| r.linked_accounts(&kind)).await?;
        for path in [&prepared.source_path, &prepared.target_path] {
            let (ResourcePath::System { connector, .. }, Some(then)) = (path, linked.get(&path.to_string()))
            else {
                continue;
            };
            match self.connectors.account(connector, true).await? {
                Some(now) if now != *then => {
                    let (connector, then) = (connector.clone(), then.clone());
                    return Ok(Some(Strayed { connector, then, now }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Refuses to carry single records on in another account than that of their links.
    pub(crate) fn must_lead_where_links_do(&self, prepared: &Prepared) -> Result<(), EngineError> {
        prepared.strayed.as_ref().map_or(Ok(()), |strayed| Err(strayed.refusal(prepared)))
    }

    /// Refuses to go on where somebody has led a connector to another account since the mapping was made ready: a renewed token
    /// is that one's.
    pub(crate) async fn must_still_lead_there(&self, prepared: &Prepared) -> Result<(), EngineError> {
        match self.strayed(prepared).await? {
            Some(strayed) if prepared.strayed.as_ref() != Some(&strayed) => Err(strayed.refusal(prepared)),
            _ => Ok(()),
        }
    }

    /// Notes which accounts the links of a mapping lead into, before any is made or followed there.
    pub(crate) async fn note_linked_accounts(&self, prepared: &Prepared) -> Result<(), EngineError> {
        self.must_still_lead_there(prepared).await?;
        let accounts = match self.accounts(prepared, true).await {
            Ok(accounts) => accounts,
            Err(EngineError::Store(error)) => return Err(error.into()),
            Err(error) => {
                tracing::info!(mapping = prepared.name(), %error, "the accounts of links could not be asked for");
                return Ok(());
            }
        };
        let kind = prepared.link_type().to_owned();
        let paths = [&prepared.source_path, &prepared.target_path].map(ToString::to_string);
        let now: Vec<(String, String)> =
            paths.into_iter().zip(accounts).filter(|(_, account)| !account.is_empty()).collect();
        let lookup = kind.clone();
        let known = self.store.read(move |r| r.linked_accounts(&lookup)).await?;
        if now.iter().all(|(path, account)| known.get(path) == Some(account)) {
            return Ok(());
        }
        let mut linked = known;
        linked.extend(now);
        Ok(self.store.write(move |w| w.set_linked_accounts(&kind, &linked)).await?)
    }
}
