//! Mappings that share one set of links, each run under a lock of its own. A record that one of them makes can be read by
//! another before its link is written, and would be taken for nobody's until then.

use std::time::Duration;

use connector::ErrorKind;
use store::{Entry, EntryStatus, Operation};

use crate::{
    Engine, EngineError,
    ends::Prepared,
    execute::{Context, Settled, settle},
    execute_remote::pause,
};

/// How long one run waits in all, how often it looks meanwhile at what another run does, and how often it asks the provider.
const LONGEST: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(200);
const PROVIDERS_PAUSE: Duration = Duration::from_secs(5);

/// How far the patience of one run goes.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    waited: Duration,
    /// What could not be found out once is not asked for again.
    given_up: bool,
}

/// What is known of the creates that other mappings have sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// What became of each.
    All,
    /// A run under way waits for an answer.
    NotYet,
    /// The provider works on what may hold them.
    UnderWay,
    /// Nobody waits for it, and it could not be looked for.
    Never,
}

impl Engine {
    /// Resolves what ended processes left in doubt for mappings that share these links, as far as that can be told without
    /// waiting, and says how many writes were found done. Mappings that are being run see to it themselves.
    pub(crate) async fn resolve_doubts_of_partners(&self, prepared: &Prepared) -> Result<u64, EngineError> {
        let mut found = 0;
        for partner in &prepared.partners {
            self.resolve_doubts_of(partner, &mut found).await?;
        }
        Ok(found)
    }

    /// Leaves out the records to be made, all of them, while one that another mapping is making may be among them. A run under
    /// way is waited for, and so is a provider that works on them, as far as the run's patience goes.
    pub(crate) async fn not_being_made(
        &self,
        context: &Context,
        prepared: &Prepared,
        entries: Vec<Entry>,
        patience: &mut Patience,
    ) -> Result<(Vec<Entry>, Vec<Settled>), EngineError> {
        for partner in &prepared.partners {
            loop {
                let known = match patience.given_up {
                    false => self.resolve_doubts_of(partner, &mut 0).await?,
                    true if self.is_making(partner).await? => Known::Never,
                    true => Known::All,
                };
                let next = match known {
                    Known::All => break,
                    Known::NotYet if patience.waited < LONGEST => PAUSE,
                    Known::UnderWay if patience.waited < LONGEST => PROVIDERS_PAUSE,
                    Known::NotYet | Known::UnderWay | Known::Never => {
                        patience.given_up = true;
                        let unsure = unsure(partner, &entries);
                        let (context, noted) = (context.clone(), unsure.clone());
                        self.store.write(move |w| settle(w, &context, &noted)).await?;
                        return Ok((Vec::new(), unsure));
                    }
                };
                tokio::select! {
                    () = context.cancel.cancelled() => return Err(EngineError::Canceled),
                    () = pause(next) => {}
                }
                patience.waited += next;
            }
        }
        Ok((entries, Vec::new()))
    }

    async fn resolve_doubts_of(&self, partner: &str, found: &mut u64) -> Result<Known, EngineError> {
        if !self.is_making(partner).await? {
            return Ok(Known::All);
        }
        let Some(_lock) = self.keep_still(partner)? else { return Ok(Known::NotYet) };
        let looked = match self.prepare(partner).await {
            // Its lock is not held for as long as a provider may work.
            Ok(prepared) => self.resolve_doubts(&prepared, None).await,
            Err(error) => Err(error),
        };
        let mut later = Known::Never;
        match looked {
            Ok(done) => *found += done,
            Err(error @ (EngineError::Canceled | EngineError::Store(_))) => return Err(error),
            // Its own run says so in full.
            Err(error) => {
                if matches!(&error, EngineError::Remote(e) if e.kind == ErrorKind::Unavailable) {
                    later = Known::UnderWay;
                }
                tracing::info!(mapping = partner, %error, "writes in doubt could not be looked for")
            }
        }
        Ok(if self.is_making(partner).await? { later } else { Known::All })
    }

    /// Whether a mapping has sent creates of which it does not know what became.
    async fn is_making(&self, mapping: &str) -> Result<bool, EngineError> {
        let mapping = mapping.to_owned();
        let rows = self.store.read(move |r| r.in_doubt(&mapping)).await?;
        Ok(rows.iter().any(|row| row.operation == Operation::Create))
    }
}

fn unsure(partner: &str, entries: &[Entry]) -> Vec<Settled> {
    let why = format!(
        "mapping `{partner}`, which shares the links, was making a record that may be this one, and what became of it is not known yet"
    );
    let stale = |entry: &Entry| {
        Settled::ended(entry, EntryStatus::Stale, format!("{}; not carried out: {why}", entry.reason))
    };
    entries.iter().map(stale).collect()
}
