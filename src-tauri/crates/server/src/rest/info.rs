//! `info` and `health`: whether it is there, which version it is, on what it runs, and who is asking.

use api::ApiScope;
use futures::FutureExt as _;
use serde_json::json;

use super::operation::{Answer, Call, Operation};
use crate::problem::Problem;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET", "/openidm/info/ping", "Says that the server is there", "Ping", |c| {
            ping(c).boxed()
        }),
        Operation::new("GET", "/openidm/health", "Says that the server is there", "Ping", |c| {
            ping(c).boxed()
        }),
        Operation::new("GET", "/openidm/health/os", "Says on what the server runs", "SystemHealth", |c| {
            os(c).boxed()
        }),
        Operation::new("GET", "/openidm/info/version", "Says which version this is", "Version", |c| {
            version(c).boxed()
        }),
        Operation::new("GET", "/openidm/info/login", "Says who is signed in", "Login", |c| login(c).boxed()),
    ]
}

async fn ping(_: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(json!({"_id": "ping", "state": "ACTIVE_READY", "shortDesc": "ready"})))
}

/// IDM's names and meanings are those of Java's `OperatingSystemMXBean`; a load that the system does not tell is -1 there.
async fn os(_: Call) -> Result<Answer, Problem> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Answer::ok(json!({
        "_id": "",
        "availableProcessors": processors,
        "systemLoadAverage": load_average().unwrap_or(-1.0),
        "operatingSystemArchitecture": std::env::consts::ARCH,
        "operatingSystemName": std::env::consts::OS,
    })))
}

/// The load of the last minute, where the system tells it in a file.
fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

async fn version(_: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(json!({"_id": "version", "productVersion": env!("CARGO_PKG_VERSION")})))
}

/// IDM's roles that come nearest to what somebody may do here. IDM has none for one who only reads; that one is signed in.
fn roles(scope: ApiScope) -> &'static [&'static str] {
    match scope {
        ApiScope::Full => &["internal/role/openidm-admin", "internal/role/openidm-authorized"],
        ApiScope::Read => &["internal/role/openidm-authorized"],
    }
}

async fn login(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(json!({
        "_id": "login",
        "authenticationId": call.caller.name,
        "authorization": {
            "id": call.caller.name,
            "component": "internal/user",
            "roles": roles(call.caller.scope),
        },
    })))
}
