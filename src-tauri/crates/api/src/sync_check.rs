//! An object looked at again by every mapping that carries it on, without a change of its own.

use store::{QueueChange, StoreError};

use crate::{ApiError, App};

impl App {
    /// Queues an object as if it had changed, for IDM's `triggerSyncCheck`. Gives the mappings that will look at it.
    pub async fn object_trigger_sync(&self, kind: &str, id: &str) -> Result<Vec<String>, ApiError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        let config = self.managed_config(&kind).await?;
        let (at, now_ms) = (self.at(), self.clock.now().as_millisecond());
        let names = self
            .store
            .write(move |w| {
                let object =
                    w.managed(&kind, &id)?.ok_or_else(|| StoreError::not_found(format!("{kind} `{id}`")))?;
                let source = format!("managed/{}", config.name);
                let title = engine::title_of(&object.attributes, &id);
                let mut names = Vec::new();
                for mapping in w.mappings()?.into_iter().map(|m| m.config) {
                    if mapping.source == source && mapping.sync_enabled() {
                        w.enqueue(&mapping.name, &kind, &id, &title, QueueChange::Update, None, now_ms, &at)?;
                        names.push(mapping.name);
                    }
                }
                Ok(names)
            })
            .await?;
        self.wake_worker();
        Ok(names)
    }
}
