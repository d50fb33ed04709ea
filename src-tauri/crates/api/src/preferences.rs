//! What a person prefers, on this data folder.

use crate::{
    ApiError, App,
    dto::{Empty, Preferences},
};

/// Where it is kept; `off` where somebody switched it off.
const NOTIFICATIONS: &str = "notifications";

impl App {
    /// What a person prefers.
    pub async fn preferences_get(&self, _: Empty) -> Result<Preferences, ApiError> {
        let word = self.store.read(|r| r.setting(NOTIFICATIONS)).await?;
        Ok(Preferences { notifications: word.as_deref() != Some("off") })
    }

    /// Changes what a person prefers.
    pub async fn preferences_save(&self, request: Preferences) -> Result<Preferences, ApiError> {
        let word = if request.notifications { "on" } else { "off" };
        self.store.write(move |w| w.set_setting(NOTIFICATIONS, word)).await?;
        Ok(request)
    }
}
