//! `info`: whether it is there, and who is asking.

use futures::FutureExt as _;
use serde_json::json;

use super::operation::{Answer, Call, Operation};
use crate::problem::Problem;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET", "/openidm/info/ping", "Says that the server is there", "Ping", |c| {
            ping(c).boxed()
        }),
        Operation::new("GET", "/openidm/info/login", "Says who is signed in", "Login", |c| login(c).boxed()),
    ]
}

async fn ping(_: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(json!({"_id": "ping", "state": "ACTIVE_READY", "shortDesc": "ready"})))
}

async fn login(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(json!({
        "_id": "login",
        "authenticationId": call.caller,
        "authorization": {
            "id": call.caller,
            "component": "internal/user",
            "roles": ["internal/role/openidm-admin", "internal/role/openidm-authorized"],
        },
    })))
}
