//! One action on single records, asked for by a person or a script.

use model::{Action, Situation};

use crate::{ApiError, App, ErrorCode};

/// What to do about which records.
#[derive(Debug, Clone, Default)]
pub struct PerformRequest {
    /// The mapping.
    pub mapping: String,
    /// The action, IDM's word.
    pub action: String,
    /// The source record.
    pub source_id: Option<String>,
    /// The target record.
    pub target_id: Option<String>,
    /// The situation that the record must be in.
    pub situation: Option<String>,
    /// The link qualifier; `default` where none is named.
    pub link_qualifier: Option<String>,
}

impl App {
    /// Performs one action on single records now. A record in another situation than the one named is a conflict.
    pub async fn perform(&self, request: PerformRequest) -> Result<engine::Performed, ApiError> {
        let wrong = |e: model::situation::UnknownName| ApiError::new(ErrorCode::Invalid, e.to_string());
        let config = self.mapping_config(&request.mapping).await?;
        let action: Action = request.action.parse().map_err(wrong)?;
        let situation: Option<Situation> =
            request.situation.as_deref().map(str::parse).transpose().map_err(wrong)?;
        let performed = self
            .engine
            .perform(engine::Perform {
                mapping: request.mapping,
                qualifier: request.link_qualifier.unwrap_or_else(|| mapping::DEFAULT_QUALIFIER.into()),
                source_id: request.source_id.map(|id| inside(&config.source, id)),
                target_id: request.target_id.map(|id| inside(&config.target, id)),
                action,
                situation,
                who: self.who(),
            })
            .await?;
        self.wake_worker();
        Ok(performed)
    }
}

/// The id of a record that may have been named by its whole path, as entries of a run name it.
fn inside(collection: &str, id: String) -> String {
    let inside = id.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    inside.unwrap_or(id)
}
