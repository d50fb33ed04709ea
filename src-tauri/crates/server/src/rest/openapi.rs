//! The OpenAPI document, made from the very rows that make the routes.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use serde_json::{Map, Value, json};

use super::{
    operation::{Answer, COMMON, Call, Kind, Operation, Parameter, Place},
    shapes,
};
use crate::problem::Problem;

/// What any operation may be refused with.
const REFUSALS: [(&str, &str); 13] = [
    ("400", "The request is wrong"),
    ("401", "Nobody has signed in"),
    ("403", "Refused by a policy, or the request was not meant for this server"),
    ("404", "There is no such thing"),
    ("405", "The method cannot be used here"),
    ("408", "The body took too long to arrive"),
    ("409", "Something stands in the way"),
    ("412", "The revision is not the one in force, or it exists already"),
    ("413", "The body is too large"),
    ("415", "The body is not JSON"),
    ("429", "Too many attempts to sign in"),
    ("500", "The repository failed; the log says how"),
    ("503", "Too many requests at a time, a locked vault, or a system that cannot be reached"),
];

pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new("GET", "/openidm/openapi.json", "Describes all of this", "Object", |c| {
        document(c).boxed()
    })]
}

async fn document(_: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(describe(&super::operations())))
}

/// The document about these operations.
pub(crate) fn describe(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method.to_ascii_lowercase();
        let together: Vec<&Operation> =
            operations.iter().filter(|o| o.path == operation.path && o.method == operation.method).collect();
        if let Some(path) = path.as_object_mut() {
            path.entry(method).or_insert_with(|| described(&together));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Identity management",
            "version": "1.0",
            "description": "The REST interface of ForgeRock IDM, as far as it is spoken here.",
        },
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"username": [], "password": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "username": {"type": "apiKey", "in": "header", "name": "X-OpenIDM-Username"},
                "password": {"type": "apiKey", "in": "header", "name": "X-OpenIDM-Password"},
            },
            "schemas": shapes::schemas(),
        },
    })
}

/// Operations of one path and method, which differ by their action.
fn described(together: &[&Operation]) -> Value {
    let summary: Vec<&str> = together.iter().map(|o| o.summary).collect();
    let actions: Vec<&str> = together.iter().filter_map(|o| o.action).collect();
    let mut parameters: Vec<Value> = path_parameters(together.first().map_or("", |o| o.path));
    if !actions.is_empty() {
        parameters.push(json!({
            "name": "_action", "in": "query", "required": !actions.contains(&"create"),
            "schema": {"type": "string", "enum": actions},
        }));
    }
    let mut seen = BTreeSet::new();
    for parameter in together.iter().flat_map(|o| &o.parameters).chain(&COMMON) {
        if seen.insert(parameter.name) {
            // What only some of the actions need cannot be asked of all.
            let everywhere = together.iter().all(|o| o.parameters.iter().any(|p| p.name == parameter.name));
            parameters.push(described_parameter(parameter, parameter.required && everywhere));
        }
    }
    let mut answers = Map::new();
    for operation in together {
        let shape = reference(operation.answer);
        let status = operation.status.as_str().to_owned();
        let schemas = answers.entry(status).or_insert_with(|| json!([]));
        if let Some(schemas) = schemas.as_array_mut().filter(|schemas| !schemas.contains(&shape)) {
            schemas.push(shape);
        }
        if operation.method == "PUT" {
            // Who puts what is not there makes it.
            let schemas = answers.entry("201").or_insert_with(|| json!([]));
            if let Some(schemas) = schemas.as_array_mut().filter(|schemas| schemas.is_empty()) {
                schemas.push(reference(operation.answer));
            }
        }
    }
    let mut responses: Map<String, Value> = answers
        .into_iter()
        .map(|(status, schemas)| {
            (
                status,
                json!({"description": "Done", "content": {"application/json": {"schema": any_of(schemas)}}}),
            )
        })
        .collect();
    for (status, about) in REFUSALS {
        responses.insert(
            status.into(),
            json!({"description": about, "content": {"application/json": {"schema": reference("Problem")}}}),
        );
    }
    let mut described =
        json!({"summary": summary.join("; "), "parameters": parameters, "responses": responses});
    let bodies: Vec<Value> =
        together.iter().filter_map(|o| o.body).map(|body| reference(body.shape)).collect();
    if !bodies.is_empty()
        && let Some(described) = described.as_object_mut()
    {
        let required = together.iter().all(|o| o.body.is_some_and(|body| body.required));
        described.insert(
            "requestBody".into(),
            json!({"required": required, "content": {"application/json": {"schema": any_of(Value::Array(bodies))}}}),
        );
    }
    described
}

fn any_of(schemas: Value) -> Value {
    let mut schemas = match schemas {
        Value::Array(schemas) => schemas,
        schema => vec![schema],
    };
    schemas.dedup();
    if schemas.len() == 1 { schemas.remove(0) } else { json!({"anyOf": schemas}) }
}

fn reference(shape: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{shape}")})
}

fn path_parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}))
        .collect()
}

fn described_parameter(parameter: &Parameter, required: bool) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Number(most) => json!({"type": "integer", "minimum": 0, "maximum": most}),
        Kind::Switch => json!({"type": "boolean"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
    };
    let place = if parameter.place == Place::Query { "query" } else { "header" };
    json!({"name": parameter.name, "in": place, "required": required, "schema": schema, "description": parameter.about})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation is in the document and nothing else is; every schema that is named exists.
    #[test]
    fn the_document_and_the_routes_are_the_same() {
        let operations = crate::rest::operations();
        let document = describe(&operations);
        let routed: BTreeSet<(String, String, Option<&str>)> =
            operations.iter().map(|o| (o.path.to_owned(), o.method.to_ascii_lowercase(), o.action)).collect();
        assert_eq!(routed.len(), operations.len(), "an operation is there twice");
        let mut told = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                let parameters = described["parameters"].as_array().unwrap();
                let action = parameters.iter().find(|p| p["name"] == "_action");
                match action {
                    Some(action) => {
                        for action in action["schema"]["enum"].as_array().unwrap() {
                            told.insert((path.clone(), method.clone(), action.as_str()));
                        }
                    }
                    None => {
                        told.insert((path.clone(), method.clone(), None));
                    }
                }
            }
        }
        assert_eq!(routed, told);
        let text = document.to_string();
        for (place, _) in text.match_indices("#/components/schemas/") {
            let name: String =
                text[place..].split('"').next().unwrap().rsplit('/').next().unwrap().to_owned();
            assert!(document["components"]["schemas"].get(&name).is_some(), "there is no schema {name}");
        }
    }
}
