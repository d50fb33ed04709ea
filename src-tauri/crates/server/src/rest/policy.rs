//! `policy`: what is asked of objects, and what one would be refused for.

use api::dto::{ValidateRequest, Validation};
use futures::FutureExt as _;
use serde_json::{Value, json};

use super::operation::{Answer, Call, Operation};
use crate::problem::Problem;

pub(crate) fn operations() -> Vec<Operation> {
    let (all, of_type, of_object) =
        ("/openidm/policy", "/openidm/policy/managed/{type}", "/openidm/policy/managed/{type}/{id}");
    let mut operations = vec![Operation::new(
        "GET",
        all,
        "Lists the policies of what is not a managed type: there are none",
        "Policies",
        |c| others(c).boxed(),
    )];
    for path in [of_type, of_object] {
        operations.extend([
            Operation::new("GET", path, "Lists what is asked of each property", "Policy", |c| {
                read(c).boxed()
            }),
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
        ]);
    }
    operations
}

async fn others(_: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(json!({"_id": "", "resources": []})))
}

/// The policies of a type, under the path that was asked for: IDM answers `managed/user` and `managed/user/*` alike.
async fn read(call: Call) -> Result<Answer, Problem> {
    let (kind, id) = (call.part("type"), call.part("id"));
    let mut document = call.app().policy_document(kind).await?;
    if let Some(document) = document.as_object_mut() {
        document.insert("_id".into(), if id.is_empty() { kind } else { id }.into());
        if !id.is_empty() {
            document.insert("resource".into(), format!("managed/{kind}/{id}").into());
        }
    }
    Ok(Answer::ok(document).only(&call.fields()))
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
    // `*`, or nothing, stands for an object that does not exist yet.
    let id = Some(call.part("id")).filter(|id| !matches!(*id, "*" | "")).map(str::to_owned);
    let request = ValidateRequest { kind: call.part("type").to_owned(), id, object, property };
    Ok(call.app().object_validate(request).await?)
}

fn answer(result: bool, failed: Value) -> Answer {
    Answer::ok(json!({"result": result, "failedPolicyRequirements": failed}))
}
