//! Managed objects and their types as screens and the server ask for them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use api::{
    App, AppOptions, Edit, ErrorCode, Which,
    dto::{
        ByName, ClaimsApply, Empty, HistoryRequest, ManagedTypeDraft, ObjectDelete, ObjectDraft, ObjectName,
        ObjectsRequest, ProblemGravity, UserDraft, UsersRequest, ValidateRequest,
    },
};
use serde_json::{Value, json};

async fn app() -> (tempfile::TempDir, Arc<App>) {
    let folder = tempfile::tempdir().unwrap();
    let options = AppOptions {
        data_dir: folder.path().join("data"),
        passphrase: Some("a passphrase for tests".to_owned()),
    };
    (folder, App::open(options).await.unwrap())
}

fn draft(kind: &str, attributes: Value) -> ObjectDraft {
    ObjectDraft { kind: kind.into(), id: None, rev: None, attributes }
}

fn list(kind: &str, filter: Option<&str>, sort: Option<&str>) -> ObjectsRequest {
    ObjectsRequest {
        kind: kind.into(),
        search: None,
        filter: filter.map(str::to_owned),
        sort: sort.map(str::to_owned),
        after: None,
        limit: Some(10),
        exact_total: false,
    }
}

fn ann() -> Value {
    json!({
        "userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org",
        "password": "Sesame-Sesame-1", "lastSync": {"m": "now"}
    })
}

#[tokio::test]
async fn a_new_type_under_the_name_of_another_leaves_that_one_as_it_is() {
    let (_folder, app) = app().await;
    let before = app.managed_type_get(ByName { name: "user".into() }).await.unwrap();
    let new = |name: &str| ManagedTypeDraft {
        config: json!({"name": name, "schema": {"properties": {}}}),
        create: true,
        rev: None,
        confirmed: true,
    };
    let refused = app.managed_type_save(new("user")).await.unwrap_err();
    assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Conflict, Some("name")));
    assert_eq!(app.managed_type_get(ByName { name: "user".into() }).await.unwrap().config, before.config);
    assert!(app.managed_type_save(new("device")).await.unwrap().saved);
    assert_eq!(app.managed_type_save(new("device")).await.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn what_nobody_may_read_leaves_by_no_door() {
    let (_folder, app) = app().await;
    let made = app.object_save(draft("user", ann())).await.unwrap();
    let id = made.object.id.clone();
    let name = ObjectName { kind: "user".into(), id: id.clone() };
    let detail = app.object_get(name).await.unwrap();
    let shown: Vec<&str> = detail.protected.iter().map(|p| p.title.as_str()).collect();
    assert_eq!(shown, ["Password"]);
    let history = |limit| HistoryRequest {
        kind: "user".into(),
        id: id.clone(),
        attribute: None,
        after: None,
        limit: Some(limit),
    };
    let mut everything = vec![
        serde_json::to_string(&made).unwrap(),
        serde_json::to_string(&detail).unwrap(),
        serde_json::to_string(&app.objects_list(list("user", None, None)).await.unwrap()).unwrap(),
        serde_json::to_string(&app.object_history(history(100)).await.unwrap()).unwrap(),
    ];
    let users = UsersRequest { search: None, filter: None, sort: None, after: None, limit: None };
    everything.push(serde_json::to_string(&app.users_list(users).await.unwrap()).unwrap());
    let steps = json!([{"operation": "replace", "field": "/password", "value": "Sesame"}]);
    let refusal = app.object_patch("user", &id, None, &steps).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Policy);
    assert_eq!(refusal.policies[0].params, Some(json!({"minLength": 8})));
    everything.push(serde_json::to_string(&refusal).unwrap());
    let delete = ObjectDelete { kind: "user".into(), id: id.clone(), rev: Some("\"1\"".into()) };
    everything.push(serde_json::to_string(&app.object_delete(delete).await.unwrap()).unwrap());
    for text in everything {
        assert!(!text.contains("Sesame") && !text.contains("lastSync") && !text.contains("argon2"), "{text}");
    }
}

#[tokio::test]
async fn writes_answer_with_what_rest_needs() {
    let (_folder, app) = app().await;
    let body = || Edit::Replace(ann().as_object().unwrap().clone());
    let made = app.object_write("user", Which::New(Some("ann".into())), None, body()).await.unwrap();
    assert!(made.created);
    let again = app.object_write("user", Which::New(Some("ann".into())), None, body()).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Conflict);
    let stale = app.object_write("user", Which::There("ann".into()), Some("7"), body()).await.unwrap_err();
    assert_eq!(stale.code, ErrorCode::Stale);
    let any = app.object_write("user", Which::Either("ann".into()), Some("*"), body()).await.unwrap();
    assert!(!any.created);
    for (kind, id, code) in [("user", "bob", ErrorCode::NotFound), ("robot", "r2", ErrorCode::NotFound)] {
        assert_eq!(app.object_read(kind, id).await.unwrap_err().code, code);
    }
    let wrong = app.object_patch("user", "ann", None, &json!([{"operation": "fly"}])).await.unwrap_err();
    assert_eq!(wrong.code, ErrorCode::Invalid);
    let request = ValidateRequest {
        kind: "user".into(),
        id: Some("ann".into()),
        object: json!({"userName": "ann", "mail": "x"}),
        property: Some("mail".into()),
    };
    let validation = app.object_validate(request).await.unwrap();
    assert!(!validation.result);
    assert_eq!(
        validation.failed_policy_requirements,
        json!([{"property": "mail", "policyRequirements": [{"policyRequirement": "VALID_EMAIL_ADDRESS_FORMAT", "params": {}}]}])
    );
}

#[tokio::test]
async fn types_are_edited_as_documents() {
    let (_folder, app) = app().await;
    let types = app.managed_types(Empty {}).await.unwrap();
    assert_eq!(types.iter().map(|t| t.title.as_str()).collect::<Vec<_>>(), ["User"]);
    let detail = app.managed_type_get(ByName { name: "user".into() }).await.unwrap();
    let password = detail.properties.iter().find(|p| p.name == "password").unwrap();
    assert_eq!(
        (password.protection.as_deref(), password.private, password.viewable),
        (Some("hash"), true, false)
    );
    assert_eq!(password.policies[0].words, "at least 1 capital letter");

    let device = json!({"name": "device", "schema": {
        "required": ["serial"],
        "properties": {
            "serial": {"type": "string", "searchable": true, "policies": [{"policyId": "unique"}]},
            "note": {"type": "string", "policies": [{"policyId": "house-rule"}]},
        },
    }});
    let save = |config: Value, rev: Option<String>, confirmed| ManagedTypeDraft {
        config,
        create: false,
        rev,
        confirmed,
    };
    let saved = app.managed_type_save(save(device.clone(), None, false)).await.unwrap();
    assert!(saved.saved);
    assert_eq!(saved.problems.iter().map(|p| p.gravity).collect::<Vec<_>>(), [ProblemGravity::Note]);
    app.object_save(draft("device", json!({"serial": "A", "note": "x"}))).await.unwrap();
    app.object_save(draft("device", json!({"serial": "B"}))).await.unwrap();
    let page = app.objects_list(list("device", Some("note eq \"x\""), Some("-serial"))).await.unwrap();
    assert_eq!((page.total, page.scanned, page.total_is_least), (1, true, false));
    let page = app.objects_list(list("device", Some("serial sw \"a\""), None)).await.unwrap();
    assert_eq!((page.total, page.scanned), (1, false));
    let unsorted = app.objects_list(list("device", None, Some("note"))).await.unwrap_err();
    assert!(unsorted.message.contains("use one of serial"), "{unsorted}");

    let mut stricter = device.clone();
    stricter["schema"]["required"] = json!(["serial", "note"]);
    let rev = saved.detail.map(|d| d.rev);
    let asked = app.managed_type_save(save(stricter.clone(), rev.clone(), false)).await.unwrap();
    assert!(!asked.saved);
    assert_eq!((asked.problems[0].gravity, asked.problems[0].objects), (ProblemGravity::Confirm, Some(1)));
    assert!(app.managed_type_save(save(stricter.clone(), rev.clone(), true)).await.unwrap().saved);
    let late = app.managed_type_save(save(stricter, rev, true)).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::Stale);
    let wrong = app.managed_type_save(save(json!({"schema": 1}), None, false)).await.unwrap_err();
    assert!(wrong.message.contains("expected an element of managed.json"), "{wrong}");
    let busy = app.managed_type_remove(ByName { name: "device".into() }).await.unwrap_err();
    assert_eq!(busy.code, ErrorCode::Conflict);
}

#[tokio::test]
async fn the_users_screen_goes_on_as_before() {
    let (_folder, app) = app().await;
    let saved = app.user_save(UserDraft { id: None, rev: None, attributes: ann() }).await.unwrap();
    let user = saved.user.unwrap();
    let schema = app.user_schema(Empty {}).await.unwrap();
    let hidden = ["password", "roles", "lastSync", "_id"];
    assert!(schema.attributes.iter().all(|a| !hidden.contains(&a.name.as_str())));
    let detail = app.user_get(api::dto::ById { id: user.id.clone() }).await.unwrap();
    assert!(detail.history.iter().any(|row| row.attribute == "password" && row.after == "(not shown)"));
    assert!(detail.history.iter().all(|row| row.attribute != "lastSync"));
}

#[tokio::test]
async fn claims_come_into_a_type_that_is_being_edited_and_nothing_is_saved() {
    let (_folder, app) = app().await;
    let named = || ByName { name: "user".into() };
    let before = app.managed_type_get(named()).await.unwrap();
    let text = "ClaimURI,DisplayName,RegEx,SupportedByDefault,Required,ReadOnly\n\
        http://wso2.org/claims/phoneNumbers,Phone Numbers,^[0-9 +]+$,true,true,false\n\
        http://wso2.org/claims/emailaddress,Email,,true,true,true\n\
        http://wso2.org/claims/strange,Strange,,false,false,false\n";
    let apply = |text: &str| ClaimsApply { text: text.into(), config: before.config.clone() };
    let applied = app.claims_apply(apply(text)).await.unwrap();
    let names: Vec<Option<&str>> = applied.claims.iter().map(|claim| claim.attribute.as_deref()).collect();
    assert_eq!(names, [Some("telephoneNumber"), Some("mail"), None]);
    let property = |name: &str| &applied.config["schema"]["properties"][name];
    assert_eq!(property("telephoneNumber")["title"], "Phone Numbers");
    assert_eq!(property("telephoneNumber")["policies"][0]["params"]["regexp"], "^[0-9 +]+$");
    assert_eq!(property("mail")["userEditable"], false, "read-only");
    assert!(applied.config["schema"]["required"].as_array().unwrap().contains(&"telephoneNumber".into()));
    assert_eq!(app.managed_type_get(named()).await.unwrap().config, before.config, "nothing is saved");
    let draft = ManagedTypeDraft {
        config: applied.config,
        create: false,
        rev: Some(before.rev.clone()),
        confirmed: true,
    };
    assert!(app.managed_type_save(draft).await.unwrap().saved);
    for wrong in ["", "[]", "{", "<claims/>", "no,claims\n1,2\n"] {
        let refused = app.claims_apply(apply(wrong)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Invalid, "{wrong}: {refused}");
        assert!(refused.message.contains("claim"), "{wrong}: {refused}");
    }
}
