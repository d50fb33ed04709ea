//! The schemas of the OpenAPI document. What Concord adds to IDM's documents is allowed everywhere.

use serde_json::{Map, Value, json};

/// A schema and its name.
type Named = (&'static str, Value);

/// Every schema by its name.
pub(crate) fn schemas() -> Map<String, Value> {
    [objects(), policies(), information(), runs(), systems(), syncs(), configuration()]
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

/// Objects, what is wrong with a request, and patches.
fn objects() -> Vec<Named> {
    vec![
        ("Object", object()),
        (
            "Problem",
            of(
                &[("detail", object())],
                &[
                    ("code", json!({"type": "integer", "minimum": 400, "maximum": 599})),
                    ("reason", text()),
                    ("message", text()),
                ],
            ),
        ),
        ("List", page(object())),
        ("ObjectList", page(reference("ManagedObject"))),
        ("ManagedObject", of(&[("_rev", text())], &[("_id", text())])),
        ("Record", of(&[], &[("_id", text())])),
        ("Patch", json!({"anyOf": [array(reference("PatchStep")), reference("PatchStep")]})),
        (
            "PatchStep",
            of(
                &[("value", json!(true)), ("from", text())],
                &[
                    ("operation", word(&["add", "remove", "replace", "increment", "copy", "move"])),
                    ("field", text()),
                ],
            ),
        ),
    ]
}

/// What is asked of objects.
fn policies() -> Vec<Named> {
    vec![
        (
            "PolicyResult",
            of(
                &[],
                &[
                    ("result", flag()),
                    (
                        "failedPolicyRequirements",
                        array(of(
                            &[],
                            &[
                                ("property", text()),
                                (
                                    "policyRequirements",
                                    array(of(&[("params", object())], &[("policyRequirement", text())])),
                                ),
                            ],
                        )),
                    ),
                ],
            ),
        ),
        ("Policies", of(&[], &[("resources", array(object()))])),
        (
            "Policy",
            of(
                &[
                    ("resource", text()),
                    (
                        "properties",
                        array(of(
                            &[],
                            &[
                                ("name", text()),
                                (
                                    "policies",
                                    array(of(
                                        &[("params", object())],
                                        &[("policyId", text()), ("policyRequirements", array(text()))],
                                    )),
                                ),
                                ("policyRequirements", array(text())),
                            ],
                        )),
                    ),
                ],
                &[("_id", text())],
            ),
        ),
        // `_fields` may leave out any of it.
        (
            "Schema",
            of(&[("properties", object()), ("order", array(text())), ("required", array(text()))], &[]),
        ),
    ]
}

/// What the program says of itself.
fn information() -> Vec<Named> {
    vec![
        ("Status", of(&[], &[("status", text())])),
        ("Ping", of(&[("shortDesc", text())], &[("state", text())])),
        (
            "SystemHealth",
            of(
                &[],
                &[
                    ("availableProcessors", count()),
                    ("systemLoadAverage", json!({"type": "number"})),
                    ("operatingSystemArchitecture", text()),
                    ("operatingSystemName", text()),
                ],
            ),
        ),
        ("Version", of(&[], &[("productVersion", text())])),
        ("Login", of(&[("authorization", object())], &[("authenticationId", text())])),
    ]
}

/// Reconciliations.
fn runs() -> Vec<Named> {
    vec![
        ("Reconciliations", of(&[], &[("reconciliations", array(object()))])),
        // What is not named here is refused.
        (
            "RunOverrides",
            json!({
                "type": "object",
                "properties": {
                    "sourceQuery": reference("RunQuery"),
                    "targetQuery": reference("RunQuery"),
                    "runTargetPhase": flag(),
                    "allowEmptySourceSet": flag(),
                    "sourceQueryFullEntry": flag(),
                    "targetQueryFullEntry": flag(),
                },
                "additionalProperties": false,
            }),
        ),
        ("RunQuery", of(&[("_queryFilter", text()), ("_queryId", text()), ("resourceName", text())], &[])),
        ("RunStarted", of(&[], &[("_id", text()), ("state", state())])),
        ("RunCanceled", of(&[], &[("_id", text()), ("action", text()), ("status", text())])),
        // `_fields` may leave out everything but the id.
        (
            "RunSummary",
            of(
                &[
                    ("mapping", text()),
                    ("state", state()),
                    ("stage", text()),
                    ("stageDescription", text()),
                    ("progress", object()),
                    ("situationSummary", json!({"type": "object", "additionalProperties": count()})),
                    ("statusSummary", json!({"type": "object", "additionalProperties": count()})),
                    ("durationSummary", object()),
                    ("parameters", object()),
                    ("started", text()),
                    ("ended", text()),
                    ("duration", number()),
                ],
                &[("_id", text())],
            ),
        ),
        (
            "AssocRun",
            of(
                &[
                    ("mapping", text()),
                    ("sourceResourceCollection", maybe()),
                    ("targetResourceCollection", maybe()),
                    ("isAnalysis", flag()),
                    ("finishTime", maybe()),
                ],
                &[("_id", text())],
            ),
        ),
    ]
}

/// The connected systems.
fn systems() -> Vec<Named> {
    vec![
        (
            "ConnectorTest",
            of(
                &[("error", text()), ("displayName", text()), ("connectorRef", object())],
                &[
                    ("name", text()),
                    ("enabled", flag()),
                    ("config", text()),
                    ("objectTypes", array(text())),
                    ("ok", flag()),
                ],
            ),
        ),
        ("ConnectorTests", array(reference("ConnectorTest"))),
        ("ScriptRun", of(&[], &[("actions", array(of(&[("error", text())], &[])))])),
        (
            "LiveSync",
            of(
                &[("_rev", text()), ("connectorData", object()), ("runs", array(object()))],
                &[("_id", text())],
            ),
        ),
    ]
}

/// Links and implicit sync.
fn syncs() -> Vec<Named> {
    vec![
        ("Performed", of(&[("targetId", maybe())], &[("situation", text()), ("message", text())])),
        (
            "QueueEntry",
            of(
                &[
                    ("mapping", text()),
                    ("resourceId", text()),
                    ("syncAction", text()),
                    ("state", word(&["PENDING", "FAILED"])),
                ],
                &[("_id", text())],
            ),
        ),
        (
            "LinkedResources",
            array(of(
                &[("content", json!({"type": ["object", "null"]}))],
                &[
                    ("resourceName", text()),
                    ("linkQualifier", text()),
                    ("linkType", text()),
                    ("mappings", array(of(&[], &[("name", text()), ("type", word(&["source", "target"]))]))),
                ],
            )),
        ),
    ]
}

/// The documents of the configuration.
fn configuration() -> Vec<Named> {
    vec![
        (
            "Configurations",
            json!({"anyOf": [
                of(&[], &[("configurations", array(of(&[], &[("_id", text())])))]),
                page(of(&[], &[("_id", text())])),
            ]}),
        ),
        ("ManagedConfig", of(&[("objects", array(of(&[("schema", object())], &[("name", text())])))], &[])),
        ("SyncConfig", of(&[("mappings", array(reference("MappingConfig")))], &[])),
        (
            "MappingConfig",
            of(
                &[
                    ("name", text()),
                    ("source", text()),
                    ("target", text()),
                    ("properties", array(object())),
                    ("policies", array(object())),
                ],
                &[],
            ),
        ),
        (
            "ScheduleConfig",
            of(
                &[
                    ("enabled", flag()),
                    ("schedule", text()),
                    ("invokeService", text()),
                    ("invokeContext", json!(true)),
                ],
                &[],
            ),
        ),
        (
            "ConnectorConfig",
            of(
                &[
                    ("name", text()),
                    ("enabled", flag()),
                    ("connectorRef", object()),
                    ("configurationProperties", object()),
                ],
                &[],
            ),
        ),
    ]
}

fn text() -> Value {
    json!({"type": "string"})
}

/// A text or nothing.
fn maybe() -> Value {
    json!({"type": ["string", "null"]})
}

/// One of these.
fn word(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn number() -> Value {
    json!({"type": "integer"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

/// How a run stands, in IDM's words.
fn state() -> Value {
    word(&["ACTIVE", "CANCELED", "FAILED", "SUCCESS"])
}

fn object() -> Value {
    json!({"type": "object"})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn array(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// A part of a list, as queries answer.
fn page(items: Value) -> Value {
    of(
        &[],
        &[
            ("result", array(items)),
            ("resultCount", count()),
            ("pagedResultsCookie", maybe()),
            ("totalPagedResultsPolicy", word(&["NONE", "EXACT"])),
            ("totalPagedResults", number()),
            ("remainingPagedResults", number()),
        ],
    )
}

/// An object with properties that may be there and properties that must.
fn of(may: &[(&str, Value)], must: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        must.iter().chain(may).map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = must.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}
