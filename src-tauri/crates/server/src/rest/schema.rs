//! `schema`: what a managed object may hold.

use futures::FutureExt as _;

use super::operation::{Answer, Call, Operation};
use crate::problem::Problem;

pub(crate) fn operations() -> Vec<Operation> {
    let path = "/openidm/schema/managed/{type}";
    vec![Operation::new("GET", path, "Shows the schema of a managed type", "Schema", |c| read(c).boxed())]
}

async fn read(call: Call) -> Result<Answer, Problem> {
    let document = call.app().schema_document(call.part("type")).await?;
    Ok(Answer::ok(document).only(&call.fields()))
}
