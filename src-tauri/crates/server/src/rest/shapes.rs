//! The schemas of the OpenAPI document. What Concord adds to IDM's documents is allowed everywhere.

use serde_json::{Map, Value, json};

/// Every schema by its name.
pub(crate) fn schemas() -> Map<String, Value> {
    let text = || json!({"type": "string"});
    let maybe = || json!({"type": ["string", "null"]});
    let number = || json!({"type": "integer"});
    let count = || json!({"type": "integer", "minimum": 0});
    let object = || json!({"type": "object"});
    let flag = || json!({"type": "boolean"});
    let state = || json!({"type": "string", "enum": ["ACTIVE", "CANCELED", "FAILED", "SUCCESS"]});
    let list = |items: Value| {
        of(
            &[],
            &[
                ("result", json!({"type": "array", "items": items})),
                ("resultCount", count()),
                ("pagedResultsCookie", maybe()),
                ("totalPagedResultsPolicy", json!({"type": "string", "enum": ["NONE", "EXACT"]})),
                ("totalPagedResults", number()),
                ("remainingPagedResults", number()),
            ],
        )
    };
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let array = |name: &str| json!({"type": "array", "items": reference(name)});
    let step = of(
        &[("value", json!(true)), ("from", text())],
        &[
            (
                "operation",
                json!({"type": "string", "enum": ["add", "remove", "replace", "increment", "copy", "move"]}),
            ),
            ("field", text()),
        ],
    );
    let shapes: Vec<(&str, Value)> = vec![
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
        ("List", list(object())),
        ("ObjectList", list(reference("ManagedObject"))),
        ("ManagedObject", of(&[("_rev", text())], &[("_id", text())])),
        (
            "PolicyResult",
            of(
                &[],
                &[
                    ("result", flag()),
                    (
                        "failedPolicyRequirements",
                        json!({"type": "array", "items": of(&[], &[
                            ("property", text()),
                            ("policyRequirements", json!({"type": "array", "items": of(&[("params", object())], &[
                                ("policyRequirement", text()),
                            ])})),
                        ])}),
                    ),
                ],
            ),
        ),
        ("Policies", of(&[], &[("resources", json!({"type": "array", "items": object()}))])),
        (
            "Policy",
            of(
                &[
                    ("resource", text()),
                    (
                        "properties",
                        json!({"type": "array", "items": of(&[], &[
                            ("name", text()),
                            ("policies", json!({"type": "array", "items": of(&[("params", object())], &[
                                ("policyId", text()),
                                ("policyRequirements", json!({"type": "array", "items": text()})),
                            ])})),
                            ("policyRequirements", json!({"type": "array", "items": text()})),
                        ])}),
                    ),
                ],
                &[("_id", text())],
            ),
        ),
        // `_fields` may leave out any of it.
        (
            "Schema",
            of(
                &[
                    ("properties", object()),
                    ("order", json!({"type": "array", "items": text()})),
                    ("required", json!({"type": "array", "items": text()})),
                ],
                &[],
            ),
        ),
        ("Performed", of(&[("targetId", maybe())], &[("situation", text()), ("message", text())])),
        ("Status", of(&[], &[("status", text())])),
        ("Record", of(&[], &[("_id", text())])),
        (
            "Patch",
            json!({"anyOf": [{"type": "array", "items": reference("PatchStep")}, reference("PatchStep")]}),
        ),
        ("PatchStep", step),
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
        ("Reconciliations", of(&[], &[("reconciliations", json!({"type": "array", "items": object()}))])),
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
        (
            "ConnectorTest",
            of(
                &[("error", text()), ("displayName", text()), ("connectorRef", object())],
                &[
                    ("name", text()),
                    ("enabled", flag()),
                    ("config", text()),
                    ("objectTypes", json!({"type": "array", "items": text()})),
                    ("ok", flag()),
                ],
            ),
        ),
        ("ConnectorTests", array("ConnectorTest")),
        (
            "ScriptRun",
            of(&[], &[("actions", json!({"type": "array", "items": of(&[("error", text())], &[])}))]),
        ),
        (
            "QueueEntry",
            of(
                &[
                    ("mapping", text()),
                    ("resourceId", text()),
                    ("syncAction", text()),
                    ("state", json!({"type": "string", "enum": ["PENDING", "FAILED"]})),
                ],
                &[("_id", text())],
            ),
        ),
        (
            "LinkedResources",
            json!({"type": "array", "items": of(&[("content", json!({"type": ["object", "null"]}))], &[
                ("resourceName", text()),
                ("linkQualifier", text()),
                ("linkType", text()),
                ("mappings", json!({"type": "array", "items": of(&[], &[
                    ("name", text()),
                    ("type", json!({"type": "string", "enum": ["source", "target"]})),
                ])})),
            ])}),
        ),
        (
            "Configurations",
            json!({"anyOf": [
                of(&[], &[("configurations", json!({"type": "array", "items": of(&[], &[("_id", text())])}))]),
                list(of(&[], &[("_id", text())])),
            ]}),
        ),
        (
            "ManagedConfig",
            of(
                &[(
                    "objects",
                    json!({"type": "array", "items": of(&[("schema", object())], &[("name", text())])}),
                )],
                &[],
            ),
        ),
        ("SyncConfig", of(&[("mappings", array("MappingConfig"))], &[])),
        (
            "MappingConfig",
            of(
                &[
                    ("name", text()),
                    ("source", text()),
                    ("target", text()),
                    ("properties", json!({"type": "array", "items": object()})),
                    ("policies", json!({"type": "array", "items": object()})),
                ],
                &[],
            ),
        ),
        (
            "LiveSync",
            of(
                &[
                    ("_rev", text()),
                    ("connectorData", object()),
                    ("runs", json!({"type": "array", "items": object()})),
                ],
                &[("_id", text())],
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
    ];
    shapes.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// An object with properties that may be there and properties that must.
fn of(may: &[(&str, Value)], must: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        must.iter().chain(may).map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = must.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}
