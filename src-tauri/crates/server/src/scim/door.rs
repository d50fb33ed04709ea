//! Who may come in, and with which habits: a token's owner, or the administrator.

use std::{net::IpAddr, sync::Arc};

use api::ScimProfile;
use axum::http::{HeaderMap, header};
use model::Secret;

use super::refusal::Refusal;
use crate::{ADMINISTRATOR, Shared, access::Presented};

/// A client's habits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Habits {
    /// Texts in filters come without quotes, and a partial resource is a patch.
    pub loose: bool,
    /// A changed group is answered without a body.
    pub quiet_groups: bool,
}

impl Habits {
    fn of(profile: ScimProfile) -> Self {
        Self { loose: profile == ScimProfile::Wso2, quiet_groups: profile == ScimProfile::Entra }
    }
}

/// Who was let in.
pub(crate) struct Client {
    /// The token's name, or the administrator's: what history and audit say.
    pub name: String,
    pub habits: Habits,
}

/// Lets a request in. Wrong tokens cost what wrong passwords cost.
pub(crate) async fn pass(shared: &Arc<Shared>, peer: IpAddr, headers: &HeaderMap) -> Result<Client, Refusal> {
    if let Some(token) = bearer(headers) {
        if let Some(known) = shared.app.scim_token_of(&token).await? {
            return Ok(Client { habits: Habits::of(known.profile), name: known.name });
        }
        shared.access.administrator(peer, &Presented::Other).await?;
    }
    shared.access.administrator(peer, &Presented::read(headers)).await?;
    // WSO2 signs in like this.
    Ok(Client { name: ADMINISTRATOR.to_owned(), habits: Habits::of(ScimProfile::Wso2) })
}

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}
