//! What crosses the edge about serving other systems from the window.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ScimProfile;

dto! {
    /// Whether other systems are served, and where.
    pub struct Serving {
        /// Where, while it serves.
        addresses: Option<ServingAddresses>,
        port: u16,
        self_service: bool,
        /// Who signs in on the REST side.
        administrator: String,
        /// The administrator's password, when it was made just now; nobody sees it again.
        password: Option<String>,
        /// Why it does not serve although it is switched on.
        problem: Option<String>,
    }

    /// Where others reach it.
    pub struct ServingAddresses {
        rest: String,
        openapi: String,
        scim: String,
        /// SCIM 1.1, where WSO2's connector of that version looks for it.
        scim_old: String,
        /// Where people make and keep their own accounts.
        self_service: Option<String>,
    }

    /// Switches serving on or off.
    pub struct ServingWanted {
        on: bool,
        port: u16,
        /// Whether people may make an account of their own.
        self_service: bool,
    }

    /// A SCIM client's token, without the token.
    pub struct ScimTokenInfo { name: String, profile: ScimProfile, created: String, }

    /// Asks for a token.
    pub struct ScimTokenDraft { name: String, profile: ScimProfile, }

    /// A token, shown this once.
    pub struct ScimTokenMade { name: String, profile: ScimProfile, token: String, }
}
