//! What goes with a connector, told before it is removed.

use crate::{
    ApiError, App,
    dto::{ByName, ConnectorDependents, DependentMapping},
    pool::{TOKENS, owner},
};

impl App {
    /// The mappings that need a connector, with their links and what waits for them, and what is stored of it.
    pub async fn connector_dependents(&self, request: ByName) -> Result<ConnectorDependents, ApiError> {
        let name = self.connector_row(&request.name).await?.config.name;
        let needed = self.mappings_of(&name).await?;
        let key = owner(&name);
        Ok(self
            .store
            .read(move |r| {
                let mut mappings = Vec::new();
                for mapping in needed {
                    // Links that are shared with another mapping are counted where they belong.
                    let own = r.mapping(&mapping)?.is_some_and(|m| m.config.link_type() == mapping);
                    let links = if own { r.link_count(&mapping)? } else { 0 };
                    let queued = r.queue_count_of(&mapping)?;
                    mappings.push(DependentMapping { name: mapping, links, queued });
                }
                let secrets = r.secrets(&key)?;
                Ok(ConnectorDependents {
                    mappings,
                    authorized: secrets.iter().any(|s| s.field == TOKENS),
                    secrets: secrets.iter().filter(|s| s.field != TOKENS).count() as u64,
                    records: r.mirrored_count(&name)?,
                })
            })
            .await?)
    }
}
