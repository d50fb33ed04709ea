//! Writes in doubt: sent, and the process ended or the answer was lost. They are resolved by looking, never by repeating.

use connector::RemoteObject;
use mapping::canonical;
use serde_json::Value;
use store::{EntryStatus, JournalRow, JournalState, NewLink, Operation};

use crate::{
    Engine, EngineError,
    ends::{End, Prepared, Remote},
};

/// What looking has shown.
pub(crate) enum Doubt {
    /// The write was done; the record as it is.
    Arrived(RemoteObject),
    /// It was not.
    NeverArrived,
    /// There is nothing to find it by yet.
    CannotTell,
}

impl Engine {
    /// Looks whether a write was done.
    pub(crate) async fn look(&self, remote: &Remote, row: &JournalRow) -> Result<Doubt, EngineError> {
        let kind = &remote.object_type.name;
        let same_values = |object: &RemoteObject| {
            row.payload
                .iter()
                .all(|(n, v)| canonical::same(object.attributes.get(n).unwrap_or(&Value::Null), v))
        };
        match (row.operation, &row.target_id) {
            (Operation::Create, _) => {
                let key = remote
                    .object_type
                    .natural_key
                    .as_ref()
                    .and_then(|k| row.payload.get(k))
                    .and_then(Value::as_str);
                let Some(key) = key.filter(|k| !k.is_empty()) else { return Ok(Doubt::CannotTell) };
                let found = remote.connector.find_by_key(kind, &[key.to_owned()], &remote.attributes).await?;
                Ok(found.into_iter().next().map_or(Doubt::NeverArrived, Doubt::Arrived))
            }
            (_, None) => Ok(Doubt::NeverArrived),
            (operation, Some(uid)) => {
                let found = remote
                    .connector
                    .read(kind, std::slice::from_ref(uid), &remote.attributes)
                    .await?
                    .into_iter()
                    .next();
                Ok(match (operation, found) {
                    (Operation::Delete, None) => {
                        Doubt::Arrived(RemoteObject { uid: uid.clone(), ..RemoteObject::default() })
                    }
                    (Operation::Update, Some(object)) if same_values(&object) => Doubt::Arrived(object),
                    _ => Doubt::NeverArrived,
                })
            }
        }
    }

    /// Resolves what an ended process left in doubt for this mapping. Creates without a key to find them by are looked for
    /// in a complete list of the target, which is read for them.
    pub(crate) async fn resolve_doubts(&self, prepared: &Prepared) -> Result<(), EngineError> {
        let End::Remote(remote) = &prepared.target else { return Ok(()) };
        let name = prepared.name().to_owned();
        let rows = self.store.read(move |r| r.in_doubt(&name)).await?;
        if rows.is_empty() {
            return Ok(());
        }
        tracing::info!(mapping = prepared.name(), rows = rows.len(), "resolving writes in doubt");
        let mut keyless = Vec::new();
        for row in rows {
            match self.look(remote, &row).await? {
                Doubt::Arrived(object) => self.settle_doubt(prepared, &row, Some(object.uid)).await?,
                Doubt::NeverArrived => self.settle_doubt(prepared, &row, None).await?,
                Doubt::CannotTell => keyless.push(row),
            }
        }
        if !keyless.is_empty() {
            self.resolve_keyless(prepared, remote, keyless).await?;
        }
        Ok(())
    }

    /// A create without a natural key arrived when the list holds an unlinked record with exactly the values that were sent.
    async fn resolve_keyless(
        &self,
        prepared: &Prepared,
        remote: &Remote,
        rows: Vec<JournalRow>,
    ) -> Result<(), EngineError> {
        use futures::StreamExt;
        let mut open: Vec<Option<JournalRow>> = rows.into_iter().map(Some).collect();
        let mut pages = remote.connector.search(connector::Search {
            object_type: remote.object_type.name.clone(),
            attributes: remote.attributes.clone(),
            ..connector::Search::default()
        });
        while let Some(page) = pages.next().await {
            for object in page?.objects {
                let uid = object.uid.clone();
                for slot in &mut open {
                    let fits = slot.as_ref().is_some_and(|row| {
                        row.payload.iter().all(|(n, v)| {
                            canonical::same(object.attributes.get(n).unwrap_or(&Value::Null), v)
                        })
                    });
                    if !fits {
                        continue;
                    }
                    let qualifier = slot.as_ref().map(|row| row.qualifier.as_str()).unwrap_or_default();
                    let (space, uid) = (prepared.space(qualifier), uid.clone());
                    let taken = self.store.read(move |r| r.link_of_target(&space, &uid)).await?;
                    if taken.is_none() {
                        if let Some(row) = slot.take() {
                            self.settle_doubt(prepared, &row, Some(object.uid.clone())).await?;
                        }
                        break;
                    }
                }
            }
        }
        for row in open.into_iter().flatten() {
            self.settle_doubt(prepared, &row, None).await?;
        }
        Ok(())
    }

    async fn settle_doubt(
        &self,
        prepared: &Prepared,
        row: &JournalRow,
        arrived: Option<String>,
    ) -> Result<(), EngineError> {
        let (row, at) = (row.clone(), self.at());
        let space = prepared.space(&row.qualifier);
        self.store
            .write(move |w| {
                let (state, message) = match &arrived {
                    Some(_) => (JournalState::Done, "found when its outcome was in doubt"),
                    None => (JournalState::Failed, "did not arrive"),
                };
                w.journal_settled(row.seq, state, arrived.as_deref(), Some(message), &at)?;
                let source = row.source_id.clone().unwrap_or_default();
                match (&arrived, row.operation) {
                    (Some(uid), Operation::Create) if !source.is_empty() => {
                        let owner = w.link_of_target(&space, uid)?;
                        if owner.is_none_or(|o| o.source_id == source) {
                            // Version 0 is no mapping's: the next plan compares the values.
                            w.put_link(
                                &NewLink {
                                    space: space.clone(),
                                    source_id: source,
                                    target_id: uid.clone(),
                                    source_hash: None,
                                    target_hash: None,
                                    version: 0,
                                    base_source: model::Attributes::new(),
                                    base_target: model::Attributes::new(),
                                },
                                &at,
                            )?;
                        }
                    }
                    (Some(_), Operation::Delete) => {
                        w.remove_link(&space, &source)?;
                    }
                    _ => {}
                }
                // What did not arrive is still planned: whoever goes on with the run carries it out.
                if let (Some(uid), Some(run), Some(entry)) = (&arrived, &row.run, row.entry)
                    && let Some(run) = w.run(run)?
                {
                    w.settle_entry(run.seq, entry, EntryStatus::Done, Some(uid), Some(message), None)?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
