//! `policy`: what an object would be refused for.

use api::dto::{ValidateRequest, Validation};
use futures::FutureExt as _;
use serde_json::{Value, json};

use super::operation::{Answer, Call, Operation};
use crate::problem::Problem;

pub(crate) fn operations() -> Vec<Operation> {
    let path = "/openidm/policy/managed/{type}/{id}";
    vec![
        Operation::new("POST", path, "Says what an object would be refused for", "PolicyResult", |c| {
            validate_object(c).boxed()
        })
        .action("validateObject")
        .reads()
        .body("Object"),
        Operation::new("POST", path, "The same for single properties", "PolicyResult", |c| {
            validate_property(c).boxed()
        })
        .action("validateProperty")
        .reads()
        .body("Object"),
    ]
}

async fn validate_object(call: Call) -> Result<Answer, Problem> {
    let object = call.object()?;
    let found = validate(&call, Value::Object(object), None).await?;
    Ok(answer(found.result, found.failed_policy_requirements))
}

async fn validate_property(call: Call) -> Result<Answer, Problem> {
    let object = call.object()?;
    let names: Vec<String> = object.keys().filter(|name| !name.starts_with('_')).cloned().collect();
    let object = Value::Object(object);
    let (mut result, mut failed) = (true, Vec::new());
    for name in names {
        let found = validate(&call, object.clone(), Some(name)).await?;
        result &= found.result;
        if let Value::Array(rows) = found.failed_policy_requirements {
            failed.extend(rows);
        }
    }
    Ok(answer(result, Value::Array(failed)))
}

async fn validate(call: &Call, object: Value, property: Option<String>) -> Result<Validation, Problem> {
    // `*` stands for an object that does not exist yet.
    let id = Some(call.part("id")).filter(|id| *id != "*").map(str::to_owned);
    let request = ValidateRequest { kind: call.part("type").to_owned(), id, object, property };
    Ok(call.app().object_validate(request).await?)
}

fn answer(result: bool, failed: Value) -> Answer {
    Answer::ok(json!({"result": result, "failedPolicyRequirements": failed}))
}
