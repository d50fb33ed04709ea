//! Link qualifiers, events, post-actions and narrowed queries, in runs against the sandbox.

#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod support;

use model::{Action, Situation};
use sandbox::hubspot::Options;
use serde_json::{Value, json};
use store::{EntryStatus, RunMode, RunState};
use support::{Bench, INBOUND, OUTBOUND, bench, inbound, links, new_user, outbound};

fn js(source: &str) -> Value {
    json!({"type": "text/javascript", "source": source})
}

async fn small() -> Bench {
    bench(Options { records: 0, seed: 1, ..Options::default() }).await
}

fn contact(bench: &Bench, email: &str, first: &str) -> String {
    bench
        .sandbox
        .portal()
        .create(&[("email", email), ("firstname", first), ("lastname", "Li"), ("jobtitle", "clerk")])
        .unwrap()
}

/// Makes a user of each contact, and one for administration where the qualifiers say so.
fn two_accounts(qualifiers: Value) -> Value {
    let named = js("(linkQualifier === 'admin' ? 'admin-' : '') + source.email");
    inbound(json!({
        "linkQualifiers": qualifiers,
        "correlationQuery": [
            {"linkQualifier": "default", "expressionTree": {"all": ["userName"]}},
            {"linkQualifier": "admin", "expressionTree": {"all": ["userName"]}}
        ],
        "properties": [
            {"source": "", "target": "userName", "transform": named},
            {"source": "", "target": "mail", "transform": named},
            {"source": "firstname", "target": "givenName"},
            {"source": "lastname", "target": "sn"}
        ]
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_has_an_account_per_qualifier() {
    let bench = small().await;
    for qualifiers in [
        json!(["default", "admin"]),
        js("returnAll || object.jobtitle === 'boss' ? ['default', 'admin'] : ['default']"),
    ] {
        let bench = small().await;
        contact(&bench, "ann@example.com", "Ann");
        let boss = contact(&bench, "bob@example.com", "Bob");
        bench.sandbox.portal().set(&boss, &[("jobtitle", "boss")]).unwrap();
        let by_list = qualifiers.is_array();
        bench
            .put(inbound(json!({
                "linkQualifiers": qualifiers,
                "correlationQuery": [
                    {"linkQualifier": "default", "expressionTree": {"all": ["userName"]}},
                    {"linkQualifier": "admin", "expressionTree": {"all": ["userName"]}}
                ],
                "properties": [
                    {"source": "", "target": "userName",
                     "transform": js("(linkQualifier === 'admin' ? 'admin-' : '') + source.email")},
                    {"source": "email", "target": "mail", "condition": "/linkQualifier eq \"default\""},
                    {"source": "", "target": "mail", "condition": "/linkQualifier eq \"admin\"",
                     "transform": js("'admin-' + source.email")},
                    {"source": "firstname", "target": "givenName", "default": "-"},
                    {"source": "lastname", "target": "sn", "default": "-"}
                ]
            })))
            .await;
        let run = bench.recon(INBOUND).await;
        let made = if by_list { 4 } else { 3 };
        assert_eq!((run.state, run.progress.created, run.progress.linked), (RunState::Success, made, made));
        let names: Vec<String> = bench.people().await.iter().map(|u| text(u, "userName")).collect();
        assert!(names.contains(&"admin-bob@example.com".to_owned()), "{names:?}");
        assert_eq!(names.contains(&"admin-ann@example.com".to_owned()), by_list, "{names:?}");
        let again = bench.recon(INBOUND).await;
        assert_eq!(again.progress.unchanged, made);
        assert_eq!(bench.entries(&again).await, [], "in sync under every qualifier");
    }
    drop(bench);
}

/// What a source was given under a qualifier stays its own when the script gives it that qualifier no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_under_a_qualifier_that_is_given_no_more_is_still_looked_at() {
    let bench = small().await;
    let bob = contact(&bench, "bob@example.com", "Bob");
    contact(&bench, "ann@example.com", "Ann");
    bench.sandbox.portal().set(&bob, &[("jobtitle", "boss")]).unwrap();
    let qualifiers = js("returnAll || object.jobtitle === 'boss' ? ['default', 'admin'] : ['default']");
    bench.put(two_accounts(qualifiers)).await;
    assert_eq!(bench.recon(INBOUND).await.progress.created, 3, "Ann has one account, Bob two");
    bench.sandbox.portal().set(&bob, &[("jobtitle", "clerk"), ("lastname", "Novak")]).unwrap();
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.progress.updated, run.progress.created), (2, 0), "{:#?}", bench.entries(&run).await);
    assert_eq!(text(&json!(bench.user_by_mail("admin-bob@example.com").await.attributes), "sn"), "Novak");
    let again = bench.recon(INBOUND).await;
    assert_eq!((again.progress.unchanged, bench.entries(&again).await), (3, Vec::new()));
}

/// No run looks at a qualifier that the script does not name when it is asked for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_qualifier_that_is_not_among_all_of_them_fails_its_record_and_is_not_passed_over() {
    let bench = small().await;
    let bob = contact(&bench, "bob@example.com", "Bob");
    contact(&bench, "ann@example.com", "Ann");
    bench.sandbox.portal().set(&bob, &[("jobtitle", "boss")]).unwrap();
    bench.put(two_accounts(js("object && object.jobtitle === 'boss' ? ['admin'] : ['default']"))).await;
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.progress.created, run.progress.failed_sources), (1, 1), "Ann's account is made");
    let entries = bench.entries(&run).await;
    let failed = entries.iter().find(|e| e.status == EntryStatus::Failed).unwrap();
    assert_eq!(failed.source_id.as_deref(), Some(bob.as_str()));
    assert!(failed.reason.contains("gave `admin` for this record, and not when"), "{}", failed.reason);

    bench.put(two_accounts(js("[]"))).await;
    let run = bench.recon(INBOUND).await;
    assert_eq!(run.state, RunState::Failed);
    let told = run.message.unwrap();
    assert!(told.contains("gave an empty list when it was asked for all"), "{told}");
}

/// IDM asks of a target whether it is valid where nobody accounts for it, and of no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_whose_source_is_there_is_updated_whatever_valid_target_says() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    bench.put(inbound(json!({"validTarget": js("target.preferences.updates === true")}))).await;
    bench.sandbox.portal().set(&ann, &[("lastname", "Novak")]).unwrap();
    let run = bench.recon(INBOUND).await;
    assert_eq!(
        (run.progress.updated, run.progress.failed_sources),
        (1, 0),
        "{:?}",
        bench.entries(&run).await
    );
}

/// Each record has a link under either qualifier: twice as many links as records are not a source that lost half of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_with_two_accounts_is_one_linked_record() {
    let bench = small().await;
    let contacts: Vec<String> =
        (0..20).map(|n| contact(&bench, &format!("p{n}@example.com"), "Person")).collect();
    bench.put(two_accounts(json!(["default", "admin"]))).await;
    assert_eq!(bench.recon(INBOUND).await.progress.linked, 40);
    bench.sandbox.portal().archive(&contacts[0]);
    let again = bench.recon(INBOUND).await;
    assert_eq!((again.state, again.progress.linked_sources), (RunState::Success, 20), "{:?}", again.message);
    assert_eq!(again.progress.links_total, 40);
    // The guard still minds: 16 of 19 are too few.
    for id in &contacts[1..4] {
        bench.sandbox.portal().archive(id);
    }
    let held = bench.recon(INBOUND).await;
    assert_eq!(held.state, RunState::Held);
    assert!(
        held.message.as_deref().unwrap().contains("16 records, but 19 were there in the last run"),
        "{:?}",
        held.message
    );
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_change_the_target_or_refuse_it_and_a_preview_says_so() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    contact(&bench, "bob@example.com", "Bob");
    bench
        .put(inbound(json!({
            "onCreate": js("target.city = source.firstname + ' in ' + situation; target.country = linkQualifier;"),
            "onUpdate": js("target.postalCode = String((Number(oldTarget.postalCode) || 0) + 1);"),
            "onLink": js("if (source.firstname === 'Bob') { throw new Error('Bob stays out'); }")
        })))
        .await;
    let preview = bench.run(INBOUND, RunMode::Preview).await;
    let planned = bench.entries(&preview).await;
    let ann = planned.iter().find(|e| e.title.contains("Ann")).unwrap();
    assert!(ann.changes.iter().any(|c| c.attribute == "city" && c.after == "Ann in ABSENT"), "{ann:?}");
    let bob = planned.iter().find(|e| e.status == EntryStatus::Failed).unwrap();
    assert!(bob.reason.contains("onLink") && bob.reason.contains("Bob stays out"), "{}", bob.reason);

    bench.recon(INBOUND).await;
    let people = bench.people().await;
    assert_eq!(people.len(), 1);
    let ann = &people[0];
    assert_eq!((text(ann, "city"), text(ann, "country")), ("Ann in ABSENT".into(), "default".into()));
    // What stands unchanged runs no script, so onUpdate counts nothing up.
    bench.recon(INBOUND).await;
    assert_eq!(text(&bench.people().await[0], "postalCode"), "");
    let id = bench.sandbox.portal().contacts()[0].id.clone();
    bench.sandbox.portal().set(&id, &[("lastname", "Lee")]).unwrap();
    bench.recon(INBOUND).await;
    assert_eq!(text(&bench.people().await[0], "postalCode"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_sees_the_whole_target_also_what_no_property_maps() {
    let unassigned = |action: Value| json!([{"situation": "UNASSIGNED", "action": action}]);
    for more in [
        json!({"validTarget": js("target.jobtitle !== 'keep'"), "policies": unassigned("DELETE".into())}),
        json!({"policies": unassigned(js("target.jobtitle === 'keep' ? 'IGNORE' : 'DELETE'"))}),
        json!({"onDelete": js("if (target.jobtitle === 'keep') { throw new Error('kept'); }"),
            "policies": unassigned("DELETE".into())}),
    ] {
        let bench = small().await;
        let kept = contact(&bench, "ann@example.com", "Ann");
        contact(&bench, "bob@example.com", "Bob");
        bench.sandbox.portal().set(&kept, &[("jobtitle", "keep")]).unwrap();
        let mut mapping = outbound(more.clone());
        mapping["links"] = Value::Null;
        mapping["allowEmptySourceSet"] = true.into();
        bench.put(mapping).await;
        let run = bench.run_with(OUTBOUND, RunMode::Reconcile, Vec::new(), Some(10)).await;
        assert_eq!(run.progress.deleted, 1, "{more}");
        let left: Vec<String> = bench.sandbox.portal().contacts().into_iter().map(|c| c.id).collect();
        assert_eq!(left, [kept], "{more}");
    }
}

/// The target that an event is about is there with its id, or as it will be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_sees_the_target_that_is_linked_unlinked_or_deleted() {
    let told = |event: &str| {
        js(&format!("throw new Error('{event} ' + target.mail + ' ' + (target._id === targetId))"))
    };
    let linking = json!({"onLink": js("throw new Error('link ' + target.mail)")});
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.put(inbound(linking)).await;
    let run = bench.recon(INBOUND).await;
    let entry = &bench.entries(&run).await[0];
    assert!(entry.reason.contains("link ann@example.com"), "{}", entry.reason);

    bench.put(inbound(json!({}))).await;
    bench.recon(INBOUND).await;
    bench.sandbox.portal().archive(&ann);
    for (event, action) in [("onDelete", "DELETE"), ("onUnlink", "UNLINK")] {
        let policies = json!([{"situation": "SOURCE_MISSING", "action": action}]);
        bench
            .put(inbound(json!({event: told(event), "policies": policies, "allowEmptySourceSet": true})))
            .await;
        let run = bench.run_with(INBOUND, RunMode::Reconcile, Vec::new(), Some(10)).await;
        let entry = &bench.entries(&run).await[0];
        assert!(entry.reason.contains(&format!("{event} ann@example.com true")), "{}", entry.reason);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_that_keeps_no_links_has_no_links_events() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    bench.put(inbound(json!({"enableLinking": false, "onLink": js("throw new Error('no')")}))).await;
    assert_eq!(bench.recon(INBOUND).await.progress.created, 1);
}

/// What is told of a target whose policy cannot be read is the situation that it is in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_fails_leaves_its_situation() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    bench.sandbox.portal().archive(&ann);
    for failing in [
        json!({"policies": [{"situation": "SOURCE_MISSING", "action": js("throw new Error('no')")}]}),
        json!({"validTarget": js("throw new Error('no')")}),
    ] {
        let mut mapping = inbound(failing.clone());
        mapping["allowEmptySourceSet"] = true.into();
        bench.put(mapping).await;
        for ids in [Vec::new(), vec![ann.clone()]] {
            let run = bench.run_with(INBOUND, RunMode::Reconcile, ids, Some(10)).await;
            let entry = &bench.entries(&run).await[0];
            let told = (entry.situation, entry.status);
            assert_eq!(told, (Situation::SourceMissing, EntryStatus::Failed), "{failing}: {entry:?}");
        }
    }
}

/// What a mapping gives as `_id` is an id under the rule that holds for everybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_no_object_can_have_fails_its_record_in_the_plan() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    for (script, told) in [
        ("'people/' + source.firstname", "`people/Ann` cannot be an id"),
        ("'a'.repeat(256)", "cannot be an id: it has 1 to 255 characters"),
        ("7", "the mapping gives 7 as `_id`; an id is a text"),
    ] {
        let mut mapping = inbound(json!({}));
        let id = json!({"source": "", "target": "_id", "transform": js(script)});
        mapping["properties"].as_array_mut().unwrap().push(id);
        bench.put(mapping).await;
        let run = bench.recon(INBOUND).await;
        let entry = &bench.entries(&run).await[0];
        assert_eq!(entry.status, EntryStatus::Failed, "{script}");
        assert!(entry.reason.contains(told), "{script}: {}", entry.reason);
    }
    assert!(bench.users().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_a_correlation_script_names_twice_is_one() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    let ann = new_user(&bench, "ann", "ann@example.com").await;
    let twice = js(&format!("['{ann}', {{'_id': '{ann}'}}]"));
    let mut mapping = inbound(json!({"correlationScript": twice}));
    mapping.as_object_mut().unwrap().remove("correlationQuery");
    bench.put(mapping).await;
    let run = bench.recon(INBOUND).await;
    let entry = &bench.entries(&run).await[0];
    assert_eq!(
        (entry.situation, entry.target_id.as_deref()),
        (Situation::Found, Some(ann.as_str())),
        "{entry:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_and_correlation_scripts_read_what_they_name() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    bench.put(inbound(json!({"sourceQuery": {"_queryFilter": "/jobtitle eq \"clerk\""}}))).await;
    assert_eq!(bench.recon(INBOUND).await.progress.created, 1);

    let by_title = js("source.jobtitle ? {'_queryFilter': 'mail eq \"' + source.email + '\"'} : null");
    bench
        .put(inbound(
            json!({"correlationQuery": by_title, "policies": [{"situation": "FOUND", "action": "LINK"}]}),
        ))
        .await;
    let links = links(INBOUND);
    let id = bench.contact("ann@example.com").id;
    bench.store.write(move |w| w.remove_link(&links, &id)).await.unwrap();
    assert_eq!(bench.recon(INBOUND).await.progress.linked, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correlation_script_may_ask_a_remote_target_for_what_it_names() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.sandbox.portal().set(&ann, &[("phone", "+47 22 22 22 22")]).unwrap();
    let id = new_user(&bench, "ann", "other@example.com").await;
    bench.edit(&id, json!({"telephoneNumber": "+47 22 22 22 22"})).await;
    for (script, found) in [
        (js("({'_queryFilter': 'phone eq \"' + source.telephoneNumber + '\"'})"), true),
        (js("({'_queryFilter': 'pho' + 'ne eq \"' + source.telephoneNumber + '\"'})"), false),
    ] {
        bench.put(outbound(json!({"correlationQuery": script}))).await;
        let run = bench.run(OUTBOUND, RunMode::Preview).await;
        let entries = bench.entries(&run).await;
        let entry = entries.iter().find(|e| e.source_id.as_deref() == Some(id.as_str())).unwrap();
        assert_eq!(entry.target_id.is_some(), found, "{entry:?}");
        assert_eq!(entry.reason.contains("correlation asks for `phone`"), !found, "{}", entry.reason);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correlation_script_may_ask_as_the_samples_of_idm_do() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    new_user(&bench, "ann@example.com", "elsewhere@example.com").await;
    bench
        .put(inbound(json!({"correlationQuery": js("({'_queryId': 'for-userName', 'uid': source.email})")})))
        .await;
    let run = bench.run(INBOUND, RunMode::Preview).await;
    let entry = &bench.entries(&run).await[0];
    assert_eq!(entry.situation, model::Situation::Found, "{entry:?}");
}

/// A script that was not finished must not make a second record of somebody who is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correlation_script_that_ends_without_a_value_matches_nobody_and_makes_nobody() {
    for (script, failed) in [
        ("var query = {'_queryFilter': 'mail eq \"' + source.email + '\"'};", 1),
        ("if (source.jobtitle === 'boss') { ({'_queryFilter': 'true'}) }", 1),
        ("undefined", 1),
        ("source.jobtitle === 'boss' ? {'_queryFilter': 'true'} : null", 0),
    ] {
        let bench = small().await;
        contact(&bench, "ann@example.com", "Ann");
        bench.put(inbound(json!({"correlationQuery": js(script)}))).await;
        let run = bench.recon(INBOUND).await;
        let entry = &bench.entries(&run).await[0];
        let is_failed = u64::from(entry.status == EntryStatus::Failed);
        assert_eq!((is_failed, run.progress.created), (failed, 1 - failed), "{script}: {entry:?}");
        assert_eq!(entry.reason.contains("ended without a value"), failed == 1, "{script}: {}", entry.reason);
    }
}

/// A source condition that a script gives, and how many records it lets in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_true_lets_a_record_in() {
    for (script, in_) in
        [("true", 1), ("source.firstname", 0), ("1", 0), ("null", 0), ("!!source.firstname", 1)]
    {
        let bench = small().await;
        contact(&bench, "ann@example.com", "Ann");
        bench.put(inbound(json!({"sourceCondition": js(script)}))).await;
        let run = bench.recon(INBOUND).await;
        let failed = bench.entries(&run).await.iter().filter(|e| e.status == EntryStatus::Failed).count();
        assert_eq!((run.progress.created, failed), (in_, 0), "{script}");
    }
}

/// As in IDM: a condition compares texts without their case.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_in_scope_whatever_the_case_of_its_value() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    bench
        .put(inbound(json!({
            "sourceCondition": "/source/jobtitle eq \"Clerk\"",
            "policies": [{"situation": "UNQUALIFIED", "action": "DELETE"}],
        })))
        .await;
    assert_eq!(bench.recon(INBOUND).await.progress.created, 1);
    let ann = bench.users().await[0].clone();
    bench.put(inbound(json!({"sourceCondition": "/source/jobtitle eq \"CLERK\""}))).await;
    let run = bench.recon(INBOUND).await;
    assert_eq!(run.progress.deleted, 0, "{:?}", bench.entries(&run).await);
    assert_eq!(bench.users().await[0], ann);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_may_refuse_a_delete_and_an_unlink() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    for (action, hook) in [("DELETE", "onDelete"), ("UNLINK", "onUnlink")] {
        let mut more = json!({"policies": [{"situation": "SOURCE_MISSING", "action": action}], "allowEmptySourceSet": true});
        more[hook] = js("throw new Error('not ' + target.givenName)");
        bench.put(inbound(more)).await;
        bench.sandbox.portal().archive(&ann);
        let run = bench.run_with(INBOUND, RunMode::Reconcile, Vec::new(), Some(10)).await;
        let entries = bench.entries(&run).await;
        assert_eq!(entries[0].status, EntryStatus::Failed, "{action}: {:?}", entries[0]);
        assert!(entries[0].reason.contains("not Ann"), "{action}: {}", entries[0].reason);
        assert_eq!(bench.users().await.len(), 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_after_an_action_is_told_when_it_fails_and_undoes_nothing() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    bench
        .put(inbound(json!({
            "policies": [{"situation": "ABSENT", "action": "CREATE",
                "postAction": js("if (action !== 'CREATE' || situation !== 'ABSENT' || !target.mail) { throw new Error('odd'); } throw new Error('told ' + source.firstname + ' ' + reconId.length);")}],
            "onRecon": js("if (!context.reconId) { throw new Error('no id'); }"),
            "result": js("if (global.created !== 1) { throw new Error('counted ' + global.created); }")
        })))
        .await;
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.state, run.message.clone()), (RunState::Success, None));
    let entry = &bench.entries(&run).await[0];
    assert_eq!(entry.status, EntryStatus::Done);
    assert!(entry.reason.contains("afterwards") && entry.reason.contains("told Ann 36"), "{}", entry.reason);
    assert_eq!(bench.users().await.len(), 1);

    bench.put(inbound(json!({"result": js("throw new Error('nobody to tell')")}))).await;
    let unreported = bench.recon(INBOUND).await;
    assert_eq!((unreported.state, unreported.stage.as_str()), (RunState::Failed, "COMPLETED_FAILED"));
    let told = unreported.message.unwrap();
    assert!(told.contains("dealt with") && told.contains("nobody to tell"), "{told}");

    bench.put(inbound(json!({"onRecon": js("throw new Error('closed on Sundays')")}))).await;
    let refused = bench.recon(INBOUND).await;
    assert_eq!(refused.state, RunState::Failed);
    assert!(refused.message.unwrap().contains("closed on Sundays"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_decide_in_order_by_condition_and_by_script() {
    let bench = small().await;
    for (email, first) in [("ann@example.com", "Ann"), ("bob@example.com", "Bob"), ("cy@example.com", "Cy")] {
        contact(&bench, email, first);
    }
    bench
        .put(inbound(json!({"policies": [
            {"situation": "ABSENT", "condition": "/object/firstname eq \"Ann\"", "action": "IGNORE"},
            {"situation": "ABSENT", "condition": js("object.firstname === 'Bob'"),
             "action": js("recon.actionParam.situation === 'ABSENT' && sourceAction ? 'EXCEPTION' : 'CREATE'")},
            {"situation": "ABSENT", "action": "CREATE"},
            {"situation": "ABSENT", "action": "DELETE"}
        ]})))
        .await;
    let run = bench.recon(INBOUND).await;
    let mut seen: Vec<(String, String, Option<i64>)> =
        bench.entries(&run).await.into_iter().map(|e| (e.title, e.action.to_string(), e.policy)).collect();
    seen.sort();
    let got: Vec<(&str, Option<i64>)> =
        seen.iter().map(|(_, action, policy)| (action.as_str(), *policy)).collect();
    assert_eq!(got, [("IGNORE", Some(0)), ("EXCEPTION", Some(1)), ("CREATE", Some(2))]);
}

/// `sourceQuery` says what a run looks at. What flows by itself was not asked for by any query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrowed_query_does_not_hold_up_a_change_that_flows_by_itself() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    bench.put(outbound(json!({"sourceQuery": {"_queryFilter": "/givenName eq \"Bob\""}}))).await;
    let id = bench.user_by_mail("ann@example.com").await.id;
    bench.edit(&id, json!({"sn": "Flows"})).await;
    assert_eq!(bench.recon(OUTBOUND).await.progress.updated, 0);
    bench.engine.deliver_object("user", &id).await.unwrap();
    assert_eq!(support::prop(&bench.contact("ann@example.com"), "lastname"), "Flows");
}

/// Of a change that flows by itself the source before it is known, also after several changes; of a run it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_sees_what_the_source_was_before_a_change_that_flows() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    let renamed = js("typeof oldSource !== 'undefined' && oldSource.givenName !== object.givenName");
    bench
        .put(outbound(json!({
            "properties": [
                {"source": "mail", "target": "email"},
                {"source": "givenName", "target": "firstname", "condition": renamed},
                {"source": "sn", "target": "lastname"},
            ],
            "onUpdate": js("target.jobtitle = oldSource ? 'was ' + oldSource.sn : 'nobody knows';"),
        })))
        .await;
    let id = bench.user_by_mail("ann@example.com").await.id;
    let was = text(&bench.people().await[0], "sn");
    let shown = |name| support::prop(&bench.contact("ann@example.com"), name);
    bench.edit(&id, json!({"sn": "One"})).await;
    bench.edit(&id, json!({"sn": "Two", "givenName": "Anna"})).await;
    bench.engine.deliver_object("user", &id).await.unwrap();
    assert_eq!((shown("firstname"), shown("jobtitle")), ("Anna".into(), format!("was {was}")));

    bench.edit(&id, json!({"sn": "Three", "givenName": "Annabel"})).await;
    bench.recon(OUTBOUND).await;
    assert_eq!((shown("firstname"), shown("lastname")), ("Anna".into(), "Three".into()));
    assert_eq!(shown("jobtitle"), "nobody knows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrowed_query_leaves_the_others_alone() {
    let bench = small().await;
    for (email, first) in [("ann@example.com", "Ann"), ("bob@example.com", "Bob")] {
        contact(&bench, email, first);
    }
    let narrow = json!({"sourceQuery": {"_queryFilter": "/firstname eq \"Ann\""}});
    bench.put(inbound(narrow.clone())).await;
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.progress.created, bench.entries(&run).await.len()), (1, 1));
    // Linked before, outside of the query now: not SOURCE_MISSING, because it is there.
    bench.put(inbound(json!({}))).await;
    assert_eq!(bench.recon(INBOUND).await.progress.created, 1);
    bench
        .put(inbound(json!({
            "sourceQuery": narrow["sourceQuery"], "policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}]
        })))
        .await;
    let run = bench.recon(INBOUND).await;
    assert_eq!(bench.entries(&run).await, []);
    assert_eq!(bench.users().await.len(), 2);

    // A target outside of the target query is nobody's business.
    for (more, unassigned) in
        [(json!({}), 1), (json!({"targetQuery": {"_queryFilter": "/firstname eq \"Ann\""}}), 0)]
    {
        let mut more = more;
        more["policies"] = json!([{"situation": "UNASSIGNED", "action": "REPORT"}]);
        bench.put(outbound(more)).await;
        bench.recon(OUTBOUND).await;
        let stranger = contact(&bench, &format!("x{unassigned}@example.com"), "Xi");
        let run = bench.recon(OUTBOUND).await;
        let reported =
            bench.entries(&run).await.iter().filter(|e| e.situation.as_str() == "UNASSIGNED").count();
        assert_eq!(reported, unassigned, "{:?}", bench.entries(&run).await);
        bench.sandbox.portal().archive(&stranger);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_misbehaves_fails_its_record_and_nothing_else() {
    for (what, transform, said) in [
        ("loops", "while (true) {}", "250 ms"),
        ("eats memory", "var a = []; while (true) { a.push(new Array(100000).fill('x')); }", ""),
        ("throws", "\nthrow new Error('no such town')", "no such town"),
    ] {
        let bench = small().await;
        contact(&bench, "ann@example.com", "Ann");
        contact(&bench, "bob@example.com", "Bob");
        bench
            .put(inbound(json!({"properties": [
                {"source": "email", "target": "userName"}, {"source": "email", "target": "mail"},
                {"source": "lastname", "target": "sn"},
                {"source": "firstname", "target": "givenName",
                 "transform": js(&format!("if (source === 'Bob') {{ {transform} }} source"))}
            ]})))
            .await;
        let run = bench.recon(INBOUND).await;
        assert_eq!((run.state, run.progress.created), (RunState::Success, 1), "{what}");
        let entries = bench.entries(&run).await;
        let bob = entries.iter().find(|e| e.status == EntryStatus::Failed).unwrap();
        assert!(bob.reason.contains("givenName") && bob.reason.contains(said), "{what}: {}", bob.reason);
    }
}

/// A script that fails takes nothing from what is known of its record: its situation, its target and what was to be done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_script_fails_keeps_its_situation_and_its_target() {
    let fails = js("throw new Error('no such town')");
    let transform = json!([{"source": "email", "target": "mail"}, {"source": "lastname", "target": "sn", "transform": fails}]);
    for (what, more, action) in [
        ("transform", json!({"properties": transform}), Action::Update),
        ("onUpdate", json!({"onUpdate": fails}), Action::Update),
        ("onLink", json!({"onLink": fails}), Action::Update),
        ("policy", json!({"policies": [{"situation": "FOUND", "action": fails}]}), Action::Exception),
        ("CREATE", json!({"policies": [{"situation": "FOUND", "action": "CREATE"}]}), Action::Create),
    ] {
        let bench = small().await;
        contact(&bench, "ann@example.com", "Ann");
        let user = new_user(&bench, "ann", "ann@example.com").await;
        bench.put(inbound(more)).await;
        let run = bench.recon(INBOUND).await;
        let entries = bench.entries(&run).await;
        let [only] = entries.as_slice() else { panic!("{what}: {entries:#?}") };
        assert_eq!(
            (only.situation, only.action, only.status, only.target_id.as_ref()),
            (Situation::Found, action, EntryStatus::Failed, Some(&user)),
            "{what}: {}",
            only.reason
        );
    }
}

/// Two sources would make the same user. What becomes of each is for the mapping to say, by its policies for AMBIGUOUS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_that_claim_the_same_are_decided_about_one_by_one() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    let bob = contact(&bench, "bob@example.com", "Bob");
    bench
        .put(inbound(json!({
            "correlationQuery": {"expressionTree": {"all": ["sn"]}},
            "policies": [
                {"situation": "ABSENT", "action": "CREATE", "postAction": js("throw new Error('not this one')")},
                {"situation": "AMBIGUOUS", "condition": "/object/firstname eq \"Ann\"", "action": "REPORT",
                 "postAction": js("throw new Error('told ' + source.firstname)")}
            ]
        })))
        .await;
    let run = bench.recon(INBOUND).await;
    let entries = bench.entries(&run).await;
    let of = |id: &str| entries.iter().find(|e| e.source_id.as_deref() == Some(id)).unwrap();
    assert_eq!((of(&ann).situation, of(&ann).action), (Situation::Ambiguous, Action::Report));
    assert_eq!(of(&ann).status, EntryStatus::Skipped);
    assert!(of(&ann).reason.contains("told Ann"), "{}", of(&ann).reason);
    assert_eq!((of(&bob).action, of(&bob).status), (Action::Exception, EntryStatus::NeedsYou));
    assert!(!of(&bob).reason.contains("afterwards"), "{}", of(&bob).reason);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_follows_what_is_not_reported() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    bench
        .put(inbound(json!({"policies": [{"situation": "ABSENT", "action": "NOREPORT",
            "postAction": js("throw new Error(action + ' of ' + source.firstname)")}]})))
        .await;
    let run = bench.recon(INBOUND).await;
    let entries = bench.entries(&run).await;
    assert_eq!((entries.len(), entries[0].status), (1, EntryStatus::Skipped));
    assert!(entries[0].reason.contains("NOREPORT of Ann"), "{}", entries[0].reason);
    assert_eq!(run.progress.situations["ABSENT"], 1);
}
