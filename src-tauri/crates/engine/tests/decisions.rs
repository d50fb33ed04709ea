//! What only a person can decide, records that moved, and runs that are gone on with.

#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod support;

use engine::{Answer, CancellationToken, Newer, Perform, RunRequest};
use model::{Action, Situation};
use sandbox::{
    faults::{ALWAYS, Action as Bad, Fault},
    hubspot::Options,
};
use serde_json::{Value, json};
use store::{EntryStatus, InboxKind, InboxRow, Run, RunMode, RunState};
use support::{Bench, INBOUND, OUTBOUND, bench, inbound, links, outbound, prop};

async fn small() -> Bench {
    bench(Options { records: 0, seed: 1, ..Options::default() }).await
}

fn contact(bench: &Bench, email: &str, first: &str) -> String {
    bench.sandbox.portal().create(&[("email", email), ("firstname", first), ("lastname", "Li")]).unwrap()
}

async fn inbox(bench: &Bench) -> Vec<InboxRow> {
    bench.store.read(|r| r.inbox(None, 0, 100)).await.unwrap().rows
}

async fn linked(bench: &Bench, source: &str) -> Option<String> {
    let source = source.to_owned();
    bench.store.read(move |r| r.link_of_source(&links(INBOUND), &source)).await.unwrap().map(|l| l.target_id)
}

fn perform(mapping: &str, action: Action, source: &str, target: Option<&str>) -> Perform {
    Perform {
        mapping: mapping.into(),
        qualifier: "default".into(),
        source_id: Some(source.into()),
        target_id: target.map(str::to_owned),
        action,
        situation: None,
        who: "test".into(),
    }
}

fn request(mapping: &str, incremental: bool) -> RunRequest {
    RunRequest {
        mapping: mapping.into(),
        mode: RunMode::Reconcile,
        ids: Vec::new(),
        allow_deletes: None,
        incremental,
    }
}

async fn incremental(bench: &Bench, mapping: &str) -> Run {
    let begun = bench.engine.begin(request(mapping, true)).await.unwrap();
    bench.engine.carry_out(begun, CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_moved_is_offered_and_a_policy_may_take_it() {
    for policy in [None, Some("UPDATE"), Some("LINK")] {
        let bench = small().await;
        let ann = contact(&bench, "ann@example.com", "Ann");
        bench.recon(INBOUND).await;
        let old = linked(&bench, &ann).await.unwrap();
        // The user is made anew under another id, as a restored backup would.
        bench.engine.delete_managed("user", &old, None, "test").await.unwrap();
        let new = bench
            .engine
            .save_managed(engine::ManagedChange {
                kind: "user".into(),
                id: None,
                rev: None,
                attributes: json!({"userName": "ann@example.com", "mail": "ann@example.com", "givenName": "A", "sn": "Li"})
                    .as_object()
                    .unwrap()
                    .clone(),
                who: "test".into(),
            })
            .await
            .unwrap()
            .id;
        let policies: Vec<Value> =
            policy.iter().map(|action| json!({"situation": "MISSING", "action": action})).collect();
        bench.put(inbound(json!({"policies": policies}))).await;
        let run = bench.recon(INBOUND).await;
        let entries = bench.entries(&run).await;
        let entry = entries.iter().find(|e| e.situation == Situation::Missing).unwrap();
        if policy.is_some() {
            assert_eq!(entry.status, EntryStatus::Done, "{policy:?} {}", entry.reason);
            assert_eq!(inbox(&bench).await, []);
        } else {
            assert_eq!(entry.status, EntryStatus::NeedsYou);
            assert!(entry.reason.ends_with("user record \"A Li\" matches"), "{}", entry.reason);
            let question = inbox(&bench).await.remove(0);
            assert_eq!(question.question.kind, InboxKind::Relink);
            bench.engine.answer(question.seq, Answer::Link(new.clone()), "test").await.unwrap();
            assert_eq!(inbox(&bench).await, []);
        }
        assert_eq!(linked(&bench, &ann).await.as_deref(), Some(new.as_str()), "{policy:?}");
        bench.recon(INBOUND).await;
        assert_eq!(bench.users().await.len(), 1, "{policy:?}: nobody was made twice");
        assert_eq!(bench.user_by_mail("ann@example.com").await.attributes["givenName"], "Ann", "{policy:?}");
    }
}

/// A link under a qualifier that the mapping has not would never be looked at again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_by_hand_is_for_a_qualifier_that_the_mapping_has() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    let user = linked(&bench, &ann).await.unwrap();
    let admin = |action| Perform { qualifier: "admin".into(), ..perform(INBOUND, action, &ann, Some(&user)) };
    for action in [Action::Link, Action::Create, Action::Update, Action::Report] {
        let refused = bench.engine.perform(admin(action)).await.unwrap_err().to_string();
        assert!(refused.contains("no link qualifier `admin`; it has default"), "{action}: {refused}");
    }
    bench.put(inbound(json!({"linkQualifiers": ["default", "admin"]}))).await;
    bench.engine.perform(admin(Action::Link)).await.unwrap();
    // Once the mapping has it no more, what it left can be removed.
    bench.put(inbound(json!({}))).await;
    bench.engine.perform(admin(Action::Unlink)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_nothing_by_hand_is_told_of_the_situation() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    for action in [Action::NoReport, Action::Report, Action::Ignore, Action::Async] {
        let done = bench.engine.perform(perform(INBOUND, action, &ann, None)).await.unwrap();
        assert_eq!(done.situation, Situation::Absent, "{action}");
        assert!(done.message.starts_with("nothing to do"), "{action}: {}", done.message);
    }
    assert!(bench.users().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_whose_owner_is_gone_can_be_taken_over_and_no_other() {
    let bench = small().await;
    let first = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    let user = linked(&bench, &first).await.unwrap();
    // Deleted and made again in the CRM: another id, the same person.
    bench.sandbox.portal().archive(&first);
    let second = contact(&bench, "ann@example.com", "Anna");
    bench
        .put(inbound(json!({"policies": [{"situation": "FOUND_ALREADY_LINKED", "action": "UPDATE"}]})))
        .await;
    bench.recon(INBOUND).await;
    assert_eq!(linked(&bench, &second).await, Some(user.clone()));
    assert_eq!(linked(&bench, &first).await, None);
    assert_eq!(bench.user_by_mail("ann@example.com").await.attributes["givenName"], "Anna");

    // A third one matches while the second is alive: nobody takes it away.
    let third = contact(&bench, "third@example.com", "Third");
    bench
        .put(inbound(json!({
            "correlationQuery": {"type": "text/javascript", "source": "({_queryFilter: 'mail eq \"ann@example.com\"'})"},
            "policies": [{"situation": "FOUND_ALREADY_LINKED", "action": "UPDATE"}]
        })))
        .await;
    let run = bench.recon(INBOUND).await;
    let entry = bench.entries(&run).await.into_iter().find(|e| e.source_id == Some(third.clone())).unwrap();
    assert_eq!((entry.situation, entry.status), (Situation::FoundAlreadyLinked, EntryStatus::Failed));
    // People are told by their names.
    let said = "matches user record \"Anna Li\", which is linked to";
    assert!(entry.reason.contains(said) && !entry.reason.contains(&user), "{}", entry.reason);
    assert_eq!(linked(&bench, &second).await, Some(user.clone()));
    let refused = bench
        .engine
        .perform(perform(INBOUND, Action::Link, &third, Some(&user)))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("remove that link first"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ambiguous_records_wait_in_one_inbox_until_somebody_chooses() {
    for choice in ["link", "create", "dismiss"] {
        let bench = small().await;
        for n in 0..2 {
            let attributes = json!({"userName": format!("li{n}"), "mail": format!("li{n}@example.com"), "givenName": "Li", "sn": "Li"});
            bench
                .engine
                .save_managed(engine::ManagedChange {
                    kind: "user".into(),
                    id: None,
                    rev: None,
                    attributes: attributes.as_object().unwrap().clone(),
                    who: "test".into(),
                })
                .await
                .unwrap();
        }
        let ann = contact(&bench, "ann@example.com", "Ann");
        bench.put(inbound(json!({"correlationQuery": {"expressionTree": {"all": ["sn"]}}}))).await;
        // A preview asks nobody.
        bench.run(INBOUND, RunMode::Preview).await;
        assert_eq!(inbox(&bench).await, []);
        bench.recon(INBOUND).await;
        let question = inbox(&bench).await.remove(0);
        assert_eq!(question.question.kind, InboxKind::Ambiguous);
        let targets = question.question.detail["targets"].as_array().unwrap().clone();
        assert_eq!(targets.len(), 2);
        // Found again, it is the same question.
        bench.recon(INBOUND).await;
        assert_eq!(inbox(&bench).await[0].seq, question.seq);
        let chosen = targets[1].as_str().unwrap().to_owned();
        let answer = match choice {
            "link" => Answer::Link(chosen.clone()),
            "create" => Answer::Create,
            _ => Answer::Dismiss,
        };
        let words = bench.engine.answer(question.seq, answer, "test").await.unwrap();
        assert_eq!(inbox(&bench).await, [], "{choice}: {words}");
        match choice {
            "link" => {
                assert_eq!(linked(&bench, &ann).await, Some(chosen));
                assert_eq!(
                    bench.user_by_mail("ann@example.com").await.attributes["givenName"],
                    "Ann",
                    "{words}"
                );
            }
            "create" => {
                assert_eq!(bench.users().await.len(), 3, "{words}");
                assert!(linked(&bench, &ann).await.is_some());
            }
            _ => {
                bench.recon(INBOUND).await;
                assert_eq!(inbox(&bench).await.len(), 1, "the next run asks again");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_is_asked_once_and_decided_for_both_sides() {
    for side in [Newer::Source, Newer::Target] {
        let bench = small().await;
        bench.put(inbound(json!({"conflictRule": "ask"}))).await;
        let ann = contact(&bench, "ann@example.com", "Ann");
        bench.recon(INBOUND).await;
        bench.recon(OUTBOUND).await;
        let user = bench.user_by_mail("ann@example.com").await;
        bench.edit(&user.id, json!({"givenName": "Annie", "telephoneNumber": "555"})).await;
        bench.sandbox.portal().set(&ann, &[("firstname", "Anna"), ("lastname", "Lee")]).unwrap();
        for mapping in [INBOUND, OUTBOUND, INBOUND] {
            bench.recon(mapping).await;
        }
        // What only one side changed has flown on; what both changed waits.
        let user = bench.user_by_mail("ann@example.com").await;
        assert_eq!((&user.attributes["sn"], &user.attributes["givenName"]), (&json!("Lee"), &json!("Annie")));
        assert_eq!(prop(&bench.contact("ann@example.com"), "firstname"), "Anna");
        assert_eq!(prop(&bench.contact("ann@example.com"), "phone"), "555");
        let questions = inbox(&bench).await;
        let question = questions.iter().find(|q| q.question.mapping == INBOUND).unwrap();
        assert_eq!(question.question.kind, InboxKind::Conflict);
        assert_eq!(question.question.detail["conflicts"][0]["attribute"], "givenName");
        bench.engine.answer(question.seq, Answer::Keep(side, None), "test").await.unwrap();
        for mapping in [INBOUND, OUTBOUND] {
            bench.recon(mapping).await;
        }
        let expect = if side == Newer::Source { "Anna" } else { "Annie" };
        assert_eq!(bench.user_by_mail("ann@example.com").await.attributes["givenName"], expect);
        assert_eq!(prop(&bench.contact("ann@example.com"), "firstname"), expect);
        assert_eq!(inbox(&bench).await, [], "{side:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_waits_although_another_value_of_the_record_was_carried() {
    let bench = small().await;
    bench.put(inbound(json!({"conflictRule": "ask"}))).await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    let user = bench.user_by_mail("ann@example.com").await;
    bench.edit(&user.id, json!({"sn": "Lee"})).await;
    bench.sandbox.portal().set(&ann, &[("firstname", "Anna"), ("lastname", "Leigh")]).unwrap();
    for round in 0..3 {
        bench.recon(INBOUND).await;
        let user = bench.user_by_mail("ann@example.com").await;
        assert_eq!((&user.attributes["givenName"], &user.attributes["sn"]), (&json!("Anna"), &json!("Lee")));
        let conflicts: Vec<Value> = inbox(&bench)
            .await
            .into_iter()
            .map(|q| q.question.detail["conflicts"][0]["attribute"].clone())
            .collect();
        assert_eq!(conflicts, ["sn"], "after run {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_made_and_removed_by_hand() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    let user = linked(&bench, &ann).await.unwrap();
    let wrong =
        Perform { situation: Some(Situation::Absent), ..perform(INBOUND, Action::Unlink, &ann, None) };
    let refused = bench.engine.perform(wrong).await.unwrap_err().to_string();
    assert!(refused.contains("CONFIRMED now, not ABSENT"), "{refused}");
    bench.engine.perform(perform(INBOUND, Action::Unlink, &ann, None)).await.unwrap();
    assert_eq!(linked(&bench, &ann).await, None);
    let again = bench.engine.perform(perform(INBOUND, Action::Unlink, &ann, None)).await.unwrap_err();
    assert!(again.to_string().contains("no such link"));
    for (source, target, what) in
        [("404", user.as_str(), "source record `404`"), (&ann, "404", "target record `404`")]
    {
        let missing =
            bench.engine.perform(perform(INBOUND, Action::Link, source, Some(target))).await.unwrap_err();
        assert!(missing.to_string().contains(what), "{missing}");
    }
    bench.engine.perform(perform(INBOUND, Action::Link, &ann, Some(&user))).await.unwrap();
    assert_eq!(linked(&bench, &ann).await, Some(user));
    let done = bench
        .engine
        .perform(perform(OUTBOUND, Action::Delete, &linked(&bench, &ann).await.unwrap(), None))
        .await;
    assert!(done.unwrap().message.contains("deleted"));
    assert_eq!(bench.sandbox.portal().contacts().len(), 0);
    let audit = bench.store.read(|r| r.audit(100)).await.unwrap();
    assert!(audit.iter().any(|row| row.who == "test" && row.detail.contains("linked")), "{audit:?}");
}

/// Somebody links records anew between a preview and its run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_plan_leaves_links_alone_that_were_made_since() {
    let policies = json!([
        {"situation": "SOURCE_MISSING", "action": "DELETE"}, {"situation": "UNQUALIFIED", "action": "UNLINK"},
        {"situation": "UNASSIGNED", "action": "IGNORE"}
    ]);
    for reverse in [false, true] {
        let bench = small().await;
        bench.put(inbound(json!({"policies": policies}))).await;
        let portal = bench.sandbox.portal();
        let names = ["changed", "removed", "unqualified", "gone"];
        let contacts = names.map(|name| contact(&bench, &format!("{name}@example.com"), name));
        bench.recon(INBOUND).await;
        let mut users = Vec::new();
        for contact in &contacts {
            users.push(linked(&bench, contact).await.unwrap());
        }
        let [changed, removed, unqualified, gone] = &contacts;
        let mapping = if reverse { OUTBOUND } else { INBOUND };
        if reverse {
            for user in &users[..2] {
                bench.edit(user, json!({"givenName": "New"})).await;
            }
        } else {
            portal.set(changed, &[("firstname", "New")]).unwrap();
            portal.set(removed, &[("firstname", "New")]).unwrap();
            portal.set(unqualified, &[("email", "")]).unwrap();
            portal.archive(gone);
        }
        let preview = bench.run(mapping, RunMode::Preview).await;
        let planned = bench.entries(&preview).await;
        let planned = planned.iter().filter(|e| e.status == EntryStatus::Planned).count();
        assert_eq!(planned, if reverse { 2 } else { 4 });

        let other = support::new_user(&bench, "other", "other@example.com").await;
        let third = support::new_user(&bench, "third", "third@example.com").await;
        let stranger = contact(&bench, "stranger@example.com", "Stranger");
        for contact in [changed, removed, unqualified] {
            bench.engine.perform(perform(INBOUND, Action::Unlink, contact, None)).await.unwrap();
        }
        let mut relinked = vec![(changed, &other), (unqualified, &third), (&stranger, &users[3])];
        if reverse {
            relinked = vec![(&stranger, &users[0])];
        }
        for (source, target) in &relinked {
            bench.engine.perform(perform(INBOUND, Action::Link, source, Some(target))).await.unwrap();
        }
        let run = bench.apply(&preview, Some(9)).await;
        assert_eq!(run.state, RunState::Success, "{:?}", run.message);
        let entries = bench.entries(&run).await;
        let stale: Vec<_> = entries.iter().filter(|e| e.status == EntryStatus::Stale).collect();
        assert_eq!(stale.len(), planned, "{entries:#?}");
        assert!(stale.iter().all(|e| e.reason.contains("are not linked any more")), "{stale:#?}");
        for (source, target) in relinked {
            assert_eq!(linked(&bench, source).await.as_ref(), Some(target));
        }
        assert_eq!(linked(&bench, removed).await, None);
        assert_eq!(bench.users().await.len(), 6);
        let old = bench.user_by_mail("changed@example.com").await;
        let contact = bench.contact("changed@example.com");
        let names = (old.attributes["givenName"].as_str().unwrap(), prop(&contact, "firstname"));
        let expect = if reverse { ("New", "changed".to_owned()) } else { ("changed", "New".to_owned()) };
        assert_eq!(names, expect, "nothing was written to the one that it was linked to");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_plan_links_nobody_to_a_record_that_is_gone() {
    for mapping in [INBOUND, OUTBOUND] {
        let bench = small().await;
        let found = json!({"policies": [{"situation": "FOUND", "action": "LINK"}]});
        bench.put(if mapping == INBOUND { inbound(found) } else { outbound(found) }).await;
        let ann = contact(&bench, "ann@example.com", "Ann");
        let user = support::new_user(&bench, "ann", "ann@example.com").await;
        let preview = bench.run(mapping, RunMode::Preview).await;
        assert_eq!(bench.entries(&preview).await[0].action, Action::Link);
        if mapping == INBOUND {
            bench.engine.delete_managed("user", &user, None, "test").await.unwrap();
        } else {
            bench.sandbox.portal().archive(&ann);
        }
        let run = bench.apply(&preview, None).await;
        let entry = bench.entries(&run).await.remove(0);
        assert_eq!(entry.status, EntryStatus::Stale, "{mapping}: {}", entry.reason);
        assert!(entry.reason.contains("the target record is gone"), "{}", entry.reason);
        assert_eq!(linked(&bench, &ann).await, None, "{mapping}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_cut_off_while_writing_is_gone_on_with() {
    let bench = bench(Options { records: 350, seed: 3, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    for (id, _) in bench.users().await {
        bench.edit(&id, json!({"telephoneNumber": "555"})).await;
    }
    // The process ends while the second batch is on its way: nothing that it held comes to an end.
    let portal = bench.sandbox.portal();
    let slow = Bad::Delay { ms: 600_000 };
    portal
        .set_faults(vec![Fault::on("/crm/objects/2026-03/contacts/batch/update", slow).nth(2).times(ALWAYS)]);
    let begun = bench.engine.begin(request(OUTBOUND, false)).await.unwrap();
    let (id, engine) = (begun.run.id.clone(), bench.engine.clone());
    let under_way = tokio::spawn(async move { engine.carry_out(begun, CancellationToken::new()).await });
    loop {
        let run = bench.engine.run_row(&id).await.unwrap();
        let sending = bench.store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap();
        if run.progress.updated == 100 && !sending.is_empty() {
            break;
        }
        assert!(!under_way.is_finished(), "it ended: {run:?}");
        tokio::task::yield_now().await;
    }
    under_way.abort();
    assert!(under_way.await.is_err());
    portal.clear_faults();
    let broken = bench.engine.run_row(&id).await.unwrap();
    assert_eq!((broken.state, broken.progress.updated), (RunState::Active, 100));
    let done = bench.apply(&broken, None).await;
    assert_eq!(done.state, RunState::Success, "{:?}", done.message);
    // What was done before counts, and what was found done of it.
    assert_eq!(done.progress.updated, bench.users().await.len() as u64);
    assert_eq!(bench.recon(OUTBOUND).await.progress.updated, 0);
    let carried = portal.contacts().iter().filter(|c| prop(c, "phone") == "555").count();
    assert_eq!(carried, bench.users().await.len());
    let refused = bench.engine.begin_apply(&done.id, None).await.err().unwrap().to_string();
    assert!(refused.contains("has ended"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_left_undone_is_run_again() {
    let bench = bench(Options { records: 60, seed: 3, ..Options::default() }).await;
    bench.put(inbound(json!({"validSource": {"type": "text/javascript", "source": "if (source.firstname === source.lastname) throw new Error('odd'); true"}}))).await;
    let portal = bench.sandbox.portal();
    let odd = portal.contacts().into_iter().find(|c| !prop(c, "email").is_empty()).unwrap();
    let was = (prop(&odd, "firstname"), prop(&odd, "lastname"));
    portal.set(&odd.id, &[("firstname", "X"), ("lastname", "X")]).unwrap();
    let run = bench.recon(INBOUND).await;
    assert_eq!(bench.entries(&run).await.iter().filter(|e| e.status == EntryStatus::Failed).count(), 1);
    portal.set(&odd.id, &[("firstname", &was.0), ("lastname", &was.1)]).unwrap();
    let calls = portal.call_count();
    let begun = bench.engine.begin_unfinished(&run.id, RunMode::Reconcile, None).await.unwrap();
    let again = bench.engine.carry_out(begun, CancellationToken::new()).await.unwrap();
    assert_eq!((again.state, again.progress.created), (RunState::Success, 1));
    assert!(portal.call_count() - calls <= 2, "only the one record is read");
    let nothing = bench.engine.begin_unfinished(&again.id, RunMode::Reconcile, None).await.err().unwrap();
    assert!(nothing.to_string().contains("nothing to run again"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incremental_run_ends_like_a_full_one_and_costs_by_what_changed() {
    let bench = bench(Options { records: 600, seed: 9, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    // The first one has nothing to go by and reads everything.
    let first = incremental(&bench, INBOUND).await;
    assert_eq!((first.state, first.progress.incremental), (RunState::Success, false), "{:?}", first.message);
    let calls = portal.call_count();
    let quiet = incremental(&bench, INBOUND).await;
    assert_eq!((quiet.state, quiet.progress.incremental), (RunState::Success, true), "{:?}", quiet.message);
    assert!(portal.call_count() - calls <= 3, "nothing changed: {} calls", portal.call_count() - calls);
    let contacts: Vec<_> = portal.contacts().into_iter().filter(|c| !prop(c, "email").is_empty()).collect();
    for contact in contacts.iter().take(40) {
        portal.set(&contact.id, &[("lastname", "Changed")]).unwrap();
    }
    portal.archive(&contacts[50].id);
    let new = contact(&bench, "brand-new@example.com", "New");
    let calls = portal.call_count();
    let run = incremental(&bench, INBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    assert!(portal.call_count() - calls <= 6, "{} calls", portal.call_count() - calls);
    assert_eq!((run.progress.updated, run.progress.created), (40, 1));
    assert!(linked(&bench, &new).await.is_some());
    let entries = bench.entries(&run).await;
    assert!(entries.iter().any(|e| e.situation == Situation::SourceMissing), "{entries:?}");
    let full = bench.recon(INBOUND).await;
    assert_eq!((full.progress.updated, full.progress.created, full.progress.deleted), (0, 0, 0));

    // Outward: what changed in the repository since.
    incremental(&bench, OUTBOUND).await;
    let (id, _) = bench.users().await.remove(0);
    bench.edit(&id, json!({"telephoneNumber": "777"})).await;
    let calls = portal.call_count();
    let out = incremental(&bench, OUTBOUND).await;
    assert_eq!((out.progress.incremental, out.progress.updated), (true, 1), "{:?}", out.message);
    let made: Vec<String> =
        portal.calls().into_iter().skip(calls as usize).map(|c| format!("{} {}", c.method, c.path)).collect();
    // Five, and two more for the user whose contact was archived above: whether it is back, and whether another one has its
    // address by now.
    assert!(made.len() <= 7, "{made:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_in_an_incremental_run_is_looked_at_by_the_next() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    incremental(&bench, INBOUND).await;
    bench.sandbox.portal().set(&ann, &[("email", "no mail address")]).ok();
    bench
        .put(inbound(
            json!({"validSource": {"type": "text/javascript", "source": "throw new Error('not today')"}}),
        ))
        .await;
    incremental(&bench, INBOUND).await;
    bench.sandbox.portal().set(&ann, &[("lastname", "Lee")]).unwrap();
    let failed = incremental(&bench, INBOUND).await;
    assert_eq!(bench.entries(&failed).await.len(), 1);
    let again = incremental(&bench, INBOUND).await;
    assert_eq!(bench.entries(&again).await.len(), 1, "it did not change since, and is still to be done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merged_record_keeps_its_user() {
    for (by_changes, older_stays) in [(false, true), (true, true), (false, false), (true, false)] {
        let bench = bench(Options { records: 40, seed: 4, ..Options::default() }).await;
        let ann = contact(&bench, "ann@example.com", "Ann");
        let twin = contact(&bench, "ann.li@example.com", "Ann");
        incremental(&bench, INBOUND).await;
        let (stays, goes) = if older_stays { (&ann, &twin) } else { (&twin, &ann) };
        let user = linked(&bench, stays).await;
        let merged = bench.sandbox.portal().merge(stays, goes).unwrap();
        let run = if by_changes { incremental(&bench, INBOUND).await } else { bench.recon(INBOUND).await };
        assert_eq!((run.state, run.progress.created), (RunState::Success, 0), "nobody is made a second time");
        let now = linked(&bench, &merged).await;
        assert!(now.is_some() && now == user, "it is the user of the one that stayed: {by_changes} {now:?}");
        // The other user has lost its contact, which is for a person to look at.
        let missing: Vec<_> = bench.entries(&run).await.into_iter().map(|e| e.situation).collect();
        assert!(missing.contains(&Situation::SourceMissing), "{by_changes}: {missing:?}");
    }
}

/// Two contacts that became one are no contact that went: the policy for a source that is gone deletes nobody for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_deleted_because_two_contacts_were_merged() {
    for by_changes in [false, true] {
        let bench = bench(Options { records: 40, seed: 4, ..Options::default() }).await;
        bench.put(inbound(json!({"policies": [{"situation": "ABSENT", "action": "CREATE"},
            {"situation": "CONFIRMED", "action": "UPDATE"}, {"situation": "SOURCE_MISSING", "action": "DELETE"}]}))).await;
        let ann = contact(&bench, "ann@example.com", "Ann");
        let twin = contact(&bench, "ann.li@example.com", "Ann");
        let left = contact(&bench, "left@example.com", "Lea");
        incremental(&bench, INBOUND).await;
        let users = bench.users().await.len();
        let merged = bench.sandbox.portal().merge(&ann, &twin).unwrap();
        bench.sandbox.portal().archive(&left);
        let run = if by_changes { incremental(&bench, INBOUND).await } else { bench.recon(INBOUND).await };
        let lost: Vec<_> = bench
            .entries(&run)
            .await
            .into_iter()
            .filter(|e| e.situation == Situation::SourceMissing)
            .collect();
        assert_eq!(bench.users().await.len(), users - 1, "{by_changes}: {lost:?}");
        let of_twin = lost.iter().find(|e| e.source_id.as_deref() == Some(twin.as_str())).unwrap();
        assert_eq!(of_twin.status, EntryStatus::NeedsYou, "{by_changes}");
        assert_eq!(
            of_twin.reason,
            format!(
                "its contact record {twin} was merged into {merged}, which has another user; nothing is deleted by itself for that"
            )
        );
        // Nor later, when nothing is said of the two any more.
        for _ in 0..2 {
            let later = incremental(&bench, INBOUND).await;
            let lost = bench.entries(&later).await;
            assert_eq!(bench.users().await.len(), users - 1, "{by_changes}: {lost:?}");
            assert!(lost.iter().any(|e| e.reason.contains("was merged into")), "{by_changes}: {lost:?}");
        }
    }
}

/// Where a contact is that was merged into another one is what the provider says: a preview takes note of it, tells it, and
/// writes nothing on either side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_tells_which_links_follow_merged_records_and_writes_on_neither_side() {
    for mapping in [INBOUND, OUTBOUND] {
        let bench = small().await;
        let ann = contact(&bench, "ann@example.com", "Ann");
        bench.recon(INBOUND).await;
        let user = linked(&bench, &ann).await;
        // The one that is left has no user yet, and other values.
        let other = contact(&bench, "ann.li@example.com", "Anna");
        let portal = bench.sandbox.portal();
        let left = portal.merge(&other, &ann).unwrap();
        let (people, contacts) = (bench.people().await, portal.contacts());
        let preview = bench.run(mapping, RunMode::Preview).await;
        assert_eq!((preview.state, preview.progress.followed), (RunState::Planned, 1), "{mapping}");
        let message = preview.message.clone().unwrap();
        assert_eq!(message, "1 link follows its record, which was merged into another one", "{mapping}");
        assert_eq!((bench.people().await, portal.contacts()), (people, contacts), "{mapping}");
        assert_eq!(linked(&bench, &left).await, user, "{mapping}");
        // The run does what the preview said, and has nothing more to tell of links.
        let planned = bench.entries(&preview).await;
        let run = bench.recon(mapping).await;
        let decided = |all: Vec<store::Entry>| -> Vec<_> {
            all.into_iter().map(|e| (e.source_id, e.situation, e.action, e.target_id, e.changes)).collect()
        };
        assert_eq!(decided(bench.entries(&run).await), decided(planned), "{mapping}");
        assert_eq!(
            (run.state, run.progress.followed, run.message),
            (RunState::Success, 0, None),
            "{mapping}"
        );
        assert_eq!((run.progress.created, bench.users().await.len()), (0, 1), "{mapping}");
    }
}

/// While a change is on its way outward a run takes another one in: what that settled stays settled, and the next edit of it
/// is no conflict.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_inward_during_a_delivery_is_not_forgotten() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    let user = linked(&bench, &ann).await.unwrap();
    let portal = bench.sandbox.portal();
    portal.set(&ann, &[("phone", "111")]).unwrap();
    bench.edit(&user, json!({"sn": "One"})).await;
    let slow = Bad::Delay { ms: 3000 };
    portal.set_faults(vec![Fault::on("/crm/objects/2026-03/contacts/batch/update", slow)]);
    let engine = bench.engine.clone();
    let under_way = tokio::spawn(async move { engine.deliver_due().await });
    while bench.store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap().is_empty() {
        assert!(!under_way.is_finished(), "it ended before it was sent");
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.recon(INBOUND).await.progress.updated, 1);
    assert_eq!(under_way.await.unwrap().unwrap().delivered, 1);
    portal.clear_faults();

    portal.set(&ann, &[("phone", "222")]).unwrap();
    bench.edit(&user, json!({"sn": "Two"})).await;
    bench.engine.deliver_due().await.unwrap();
    let now = bench.contact("ann@example.com");
    assert_eq!((prop(&now, "lastname"), prop(&now, "phone")), ("Two".into(), "222".into()));
    assert_eq!(bench.recon(INBOUND).await.progress.updated, 1);
    assert_eq!(bench.user_by_mail("ann@example.com").await.attributes["telephoneNumber"], "222");
}

/// A change that travels on by itself looks at its own record only, and follows it as a run does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_follows_a_merged_record_and_makes_nobody_twice() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    bench.put(outbound(json!({"policies": [{"situation": "MISSING", "action": "CREATE"}]}))).await;
    let user = linked(&bench, &ann).await.unwrap();
    let other = contact(&bench, "ann.li@example.com", "Ann");
    let left = bench.sandbox.portal().merge(&other, &ann).unwrap();
    bench.edit(&user, json!({"telephoneNumber": "777"})).await;
    let delivery = bench.engine.deliver_due().await.unwrap();
    assert_eq!((delivery.delivered, delivery.failed), (1, 0));
    let contacts = bench.sandbox.portal().contacts();
    assert_eq!(
        contacts.iter().map(|c| (c.id.as_str(), prop(c, "phone"))).collect::<Vec<_>>(),
        [(left.as_str(), "777".to_owned())]
    );
    assert_eq!(linked(&bench, &left).await, Some(user.clone()));
    // The same for a run over this one record.
    let again = contact(&bench, "ann.lee@example.com", "Ann");
    let last = bench.sandbox.portal().merge(&again, &left).unwrap();
    bench.edit(&user, json!({"telephoneNumber": "778"})).await;
    let run = bench.run_with(OUTBOUND, RunMode::Reconcile, vec![user.clone()], None).await;
    assert_eq!((run.state, run.progress.followed, run.progress.created), (RunState::Success, 1, 0));
    assert_eq!(linked(&bench, &last).await, Some(user));
    assert_eq!(bench.sandbox.portal().contacts().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_linking_correlation_decides_every_time() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    for mapping in [inbound(json!({"enableLinking": false})), outbound(json!({"enableLinking": false}))] {
        bench.put(mapping).await;
    }
    assert_eq!(bench.recon(INBOUND).await.progress.created, 1);
    assert_eq!(linked(&bench, &ann).await, None);
    bench.sandbox.portal().set(&ann, &[("lastname", "Lee")]).unwrap();
    let run = bench.recon(INBOUND).await;
    let entry = bench.entries(&run).await.remove(0);
    assert_eq!((entry.situation, entry.status), (Situation::Found, EntryStatus::Done));
    assert_eq!(bench.user_by_mail("ann@example.com").await.attributes["sn"], "Lee");
    let quiet = bench.recon(INBOUND).await;
    assert_eq!((quiet.progress.updated, bench.entries(&quiet).await[0].status), (0, EntryStatus::Skipped));
    // Outward the same, and a new user finds the contact that is there.
    let user = bench.user_by_mail("ann@example.com").await;
    bench.edit(&user.id, json!({"givenName": "Annie"})).await;
    assert_eq!(bench.recon(OUTBOUND).await.progress.updated, 1);
    assert_eq!(prop(&bench.contact("ann@example.com"), "firstname"), "Annie");
    assert_eq!((linked(&bench, &ann).await, bench.users().await.len()), (None, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_without_a_link_leaves_what_it_would_have_matched() {
    for (policy, left) in [("DELETE", 1), ("UNLINK", 1), ("IGNORE", 1)] {
        let bench = small().await;
        bench
            .put(outbound(json!({"policies": [
                {"situation": "ABSENT", "action": "IGNORE"}, {"situation": "FOUND", "action": "IGNORE"},
                {"situation": "UNASSIGNED", "action": policy}
            ]})))
            .await;
        contact(&bench, "ann@example.com", "Ann");
        let attributes =
            json!({"userName": "ann", "mail": "ann@example.com", "givenName": "Ann", "sn": "Li"});
        let saved = bench
            .engine
            .save_managed(engine::ManagedChange {
                kind: "user".into(),
                id: None,
                rev: None,
                attributes: attributes.as_object().unwrap().clone(),
                who: "test".into(),
            })
            .await
            .unwrap();
        bench.engine.deliver_object("user", &saved.id).await.unwrap();
        bench.engine.delete_managed("user", &saved.id, None, "test").await.unwrap();
        let results = bench.engine.deliver_object("user", &saved.id).await.unwrap();
        // Row 17: UNASSIGNED, and what was never linked is not deleted.
        assert_eq!(results[0].ok, Some(true), "{policy}: {results:?}");
        assert_eq!(bench.sandbox.portal().contacts().len(), left, "{policy}: {results:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_waits_where_the_mapping_says_so_and_flows_only_for_what_it_names() {
    for (mode, delivered) in [("background", false), ("blocking", true)] {
        let bench = small().await;
        contact(&bench, "ann@example.com", "Ann");
        bench.recon(INBOUND).await;
        bench.recon(OUTBOUND).await;
        bench
            .put(outbound(
                json!({"syncMode": mode, "triggerSyncProperties": ["/givenName", "telephoneNumber"]}),
            ))
            .await;
        let user = bench.user_by_mail("ann@example.com").await;
        // What the mapping does not name sets nothing off.
        bench.edit(&user.id, json!({"sn": "Lee"})).await;
        assert_eq!(bench.store.read(|r| r.queue_count()).await.unwrap(), 0, "{mode}");
        bench.edit(&user.id, json!({"givenName": "Annie"})).await;
        bench.engine.deliver_blocking("user", &user.id).await.unwrap();
        let arrived = prop(&bench.contact("ann@example.com"), "firstname") == "Annie";
        assert_eq!(arrived, delivered, "{mode}");
        assert_eq!(bench.store.read(|r| r.queue_count()).await.unwrap(), u64::from(!delivered), "{mode}");
    }
}

/// The contact was deleted and made again with the same address. HubSpot gives an address once, so the plan does not say that
/// a second one will be made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_does_not_create_what_the_target_would_refuse() {
    let bench = small().await;
    let old = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    bench.sandbox.portal().archive(&old);
    let new = contact(&bench, "ann@example.com", "Anna");
    bench.put(outbound(json!({"policies": [{"situation": "MISSING", "action": "CREATE"}]}))).await;
    let decided = async |mode| {
        let run = bench.run(OUTBOUND, mode).await;
        let entries = bench.entries(&run).await;
        let entry = entries.into_iter().find(|e| e.situation == Situation::Missing).unwrap();
        assert!(entry.reason.contains("no second one can have its email"), "{}", entry.reason);
        (entry.action, entry.target_id, entry.status)
    };
    let (update, target) = (Action::Update, Some(new.clone()));
    assert_eq!(decided(RunMode::Preview).await, (update, target.clone(), EntryStatus::Planned));
    assert_eq!(decided(RunMode::Reconcile).await, (update, target, EntryStatus::Done));
    assert_eq!(bench.sandbox.portal().contacts().len(), 1);
    let user = bench.user_by_mail("ann@example.com").await.id;
    assert_eq!(linked(&bench, &new).await, Some(user));
}

/// A user is gone and another one matches his contact. What a full run leaves alone, an incremental one does too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incremental_run_deletes_nothing_that_another_record_matches() {
    for (policy, status, kept) in
        [(None, EntryStatus::NeedsYou, false), (Some("UPDATE"), EntryStatus::Skipped, true)]
    {
        let bench = small().await;
        let ann = contact(&bench, "ann@example.com", "Ann");
        for n in 0..20 {
            contact(&bench, &format!("p{n}@example.com"), "Person");
        }
        let mut policies = vec![json!({"situation": "SOURCE_MISSING", "action": "DELETE"})];
        policies.extend(policy.map(|action| json!({"situation": "FOUND_ALREADY_LINKED", "action": action})));
        bench.put(outbound(json!({"policies": policies}))).await;
        bench.recon(INBOUND).await;
        incremental(&bench, OUTBOUND).await;
        let gone = linked(&bench, &ann).await.unwrap();
        bench.engine.delete_managed("user", &gone, None, "test").await.unwrap();
        let attributes =
            json!({"userName": "anna", "mail": "ann@example.com", "givenName": "Anna", "sn": "Li"});
        let change = engine::ManagedChange {
            kind: "user".into(),
            id: None,
            rev: None,
            attributes: attributes.as_object().unwrap().clone(),
            who: "test".into(),
        };
        let new = bench.engine.save_managed(change).await.unwrap().id;
        let run = incremental(&bench, OUTBOUND).await;
        assert!(run.progress.incremental);
        let entries = bench.entries(&run).await;
        let entry = entries.iter().find(|e| e.source_id.as_deref() == Some(&*gone)).unwrap();
        assert_eq!(entry.status, status, "{policy:?}: {}", entry.reason);
        assert!(bench.sandbox.portal().contact(&ann).is_some(), "{policy:?}: the contact is still there");
        assert_eq!(linked(&bench, &ann).await == Some(new), kept, "{policy:?}");
    }
}

/// FOUND with NOREPORT leaves no entry, and five users match one contact: all of these are spoken for, so none is UNASSIGNED.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_a_source_spoke_for_is_not_unassigned() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    contact(&bench, "li@example.com", "Twin");
    let found = support::new_user(&bench, "ann", "ann@example.com").await;
    let mut twins = Vec::new();
    for n in 0..5 {
        let mail = format!("twin{n}@example.com");
        twins.push(support::new_person(&bench, &format!("twin{n}"), &mail, "Twin", "Li").await);
    }
    let policies = json!([
        {"situation": "FOUND", "action": "NOREPORT"}, {"situation": "UNASSIGNED", "action": "DELETE"}
    ]);
    let rule = json!({"type": "text/javascript", "source":
        "({_queryFilter: source.firstname === 'Ann' ? 'mail eq \"ann@example.com\"' : 'givenName eq \"Twin\"'})"});
    bench.put(inbound(json!({"policies": policies, "correlationQuery": rule}))).await;
    let stranger = support::new_user(&bench, "nobody", "nobody@example.com").await;
    let run = bench.recon(INBOUND).await;
    let entries = bench.entries(&run).await;
    let deleted: Vec<_> = entries.iter().filter(|e| e.action == Action::Delete).collect();
    assert_eq!(deleted.iter().map(|e| e.target_id.clone().unwrap()).collect::<Vec<_>>(), [stranger]);
    let twin = entries.iter().find(|e| e.situation == Situation::Ambiguous).unwrap();
    assert_eq!((twin.reason.as_str(), twin.ambiguous.len()), ("5 user records match", 5));
    assert!(entries.iter().all(|e| e.source_id.as_ref() != Some(&ann)), "NOREPORT leaves no entry");
    let left: Vec<String> = bench.users().await.into_iter().map(|(id, _)| id).collect();
    assert!(left.contains(&found) && twins.iter().all(|id| left.contains(id)), "{left:?}");
}

/// More users match one contact than are named: nobody can say of another user that no contact accounts for him.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_deleted_where_a_source_matches_more_than_can_be_named() {
    let bench = small().await;
    contact(&bench, "li@example.com", "Twin");
    for n in 0..102 {
        support::new_person(&bench, &format!("twin{n}"), &format!("twin{n}@example.com"), "Twin", "Li").await;
    }
    bench
        .put(inbound(json!({
            "policies": [{"situation": "UNASSIGNED", "action": "DELETE"}],
            "correlationQuery": {"type": "text/javascript", "source": "({_queryFilter: 'givenName eq \"Twin\"'})"}
        })))
        .await;
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.state, run.progress.deleted), (RunState::Success, 0), "{:?}", run.message);
    let entries = bench.entries(&run).await;
    let twin = entries.iter().find(|e| e.situation == Situation::Ambiguous).unwrap();
    assert_eq!(twin.reason, "more than 100 user records match");
    let rest: Vec<_> = entries.iter().filter(|e| e.situation == Situation::Unassigned).collect();
    assert!(!rest.is_empty() && rest.iter().all(|e| e.status == EntryStatus::Skipped), "{rest:?}");
    assert_eq!(bench.users().await.len(), 102);
}

/// A plan asks what it asked when it was made, where nothing has answered it since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_plan_does_not_ask_again_what_was_answered() {
    let bench = small().await;
    for name in ["one", "two"] {
        support::new_person(&bench, name, &format!("{name}@example.com"), name, "Li").await;
    }
    let (ann, bob) = (contact(&bench, "ann@example.com", "Ann"), contact(&bench, "bob@example.com", "Bob"));
    bench.put(inbound(json!({"correlationQuery": {"expressionTree": {"all": ["sn"]}}}))).await;
    let plan = bench.run(INBOUND, RunMode::Preview).await;
    bench.recon(INBOUND).await;
    let asked = inbox(&bench).await;
    assert_eq!(asked.len(), 2);
    let of_ann = asked.iter().find(|q| q.question.source_id == ann).unwrap();
    let target = of_ann.question.detail["targets"][0].as_str().unwrap().to_owned();
    bench.engine.answer(of_ann.seq, Answer::Link(target.clone()), "test").await.unwrap();
    let applied = bench.apply(&plan, None).await;
    assert_eq!(applied.state, RunState::Success, "{:?}", applied.message);
    let left: Vec<_> = inbox(&bench).await.into_iter().map(|q| (q.seq, q.question.source_id)).collect();
    let of_bob = asked.iter().find(|q| q.question.source_id == bob).unwrap().seq;
    assert_eq!(left, [(of_bob, bob)], "ann is answered, and bob's question is the later run's");
    assert_eq!(linked(&bench, &ann).await, Some(target));
}

/// Nothing is left of the question once both sides say the same, whoever saw to that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incremental_run_takes_back_a_question_that_settled_itself() {
    let bench = small().await;
    bench.put(inbound(json!({"conflictRule": "ask"}))).await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    incremental(&bench, INBOUND).await;
    incremental(&bench, INBOUND).await;
    let user = bench.user_by_mail("ann@example.com").await;
    bench.edit(&user.id, json!({"givenName": "Annie"})).await;
    bench.sandbox.portal().set(&ann, &[("firstname", "Anna")]).unwrap();
    incremental(&bench, INBOUND).await;
    assert_eq!(inbox(&bench).await.len(), 1);
    bench.sandbox.portal().set(&ann, &[("firstname", "Annie")]).unwrap();
    let run = incremental(&bench, INBOUND).await;
    assert!(run.progress.incremental);
    assert_eq!((bench.entries(&run).await.len(), inbox(&bench).await), (0, Vec::new()));
}

/// The change of a user that matches two contacts waits for a person, who links it, or has a run link it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_given_up_leaves_the_queue_once_it_is_carried() {
    for by_run in [false, true] {
        let bench = small().await;
        contact(&bench, "one@example.com", "Ann");
        let two = contact(&bench, "two@example.com", "Ann");
        bench.put(outbound(json!({"correlationQuery": {"expressionTree": {"all": ["lastname"]}}}))).await;
        bench.recon(OUTBOUND).await;
        let user = support::new_person(&bench, "ann", "ann@example.com", "Ann", "Li").await;
        bench.engine.deliver_due().await.unwrap();
        let failed =
            async || bench.store.read(|r| r.queue_count_in(store::QueueState::Failed)).await.unwrap();
        assert_eq!((failed().await, inbox(&bench).await.len()), (1, 1));
        // A run that cannot decide either leaves it where it is.
        bench.recon(OUTBOUND).await;
        assert_eq!(failed().await, 1);
        if by_run {
            bench.sandbox.portal().archive(&two);
            let run = bench.recon(OUTBOUND).await;
            assert_eq!(run.progress.linked, 1, "{:?}", bench.entries(&run).await);
        } else {
            let question = inbox(&bench).await.remove(0).seq;
            bench.engine.answer(question, Answer::Link(two.clone()), "test").await.unwrap();
        }
        assert_eq!(bench.store.read(|r| r.queue_count()).await.unwrap(), 0, "by run: {by_run}");
        let results = bench.engine.sync_results("user", &user).await.unwrap();
        let of_it = results.iter().find(|result| result.mapping == OUTBOUND).unwrap();
        assert_eq!(of_it.ok, Some(true), "{}", of_it.message);
    }
}

/// A run comes before the worker: it does not leave behind what it has done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_waits_leaves_the_queue_once_a_run_has_carried_it() {
    let bench = small().await;
    let queued = async || bench.store.read(|r| r.queue_count()).await.unwrap();
    let ann = support::new_person(&bench, "ann", "ann@example.com", "Ann", "Li").await;
    assert_eq!(queued().await, 1);
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.progress.created, 1, "{:?}", bench.entries(&run).await);
    assert_eq!(queued().await, 0);
    let results = bench.engine.sync_results("user", &ann).await.unwrap();
    assert_eq!(results.iter().find(|result| result.mapping == OUTBOUND).unwrap().ok, Some(true));
    // What is changed after the run is carried on as ever.
    bench.edit(&ann, json!({"sn": "Lu"})).await;
    assert_eq!(queued().await, 1);
}

/// Two users are known already: one as the contact has it, one with another name. Only the latter is changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_alone_is_no_update() {
    let bench = small().await;
    contact(&bench, "ann@example.com", "Ann");
    contact(&bench, "bob@example.com", "Bob");
    support::new_person(&bench, "ann", "ann@example.com", "Ann", "Li").await;
    support::new_person(&bench, "bob", "bob@example.com", "Robert", "Li").await;
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.progress.updated, run.progress.linked, run.progress.created), (1, 2, 0));
}

/// The contact is gone and a person deletes the user: what the user was stays in the history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_by_hand_for_a_gone_source_is_remembered() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    let script = "if (target.givenName !== 'Ann') { throw new Error('which one?'); }";
    bench.put(inbound(json!({"onDelete": {"type": "text/javascript", "source": script}}))).await;
    bench.recon(INBOUND).await;
    let user = linked(&bench, &ann).await.unwrap();
    bench.sandbox.portal().archive(&ann);
    let done = bench.engine.perform(perform(INBOUND, Action::Delete, &ann, None)).await.unwrap();
    assert_eq!(done.situation, Situation::SourceMissing);
    assert_eq!((bench.users().await.len(), linked(&bench, &ann).await), (0, None));
    let history = bench.store.read(move |r| r.history("user", &user, 1)).await.unwrap();
    let lost = history[0].changes.iter().find(|change| change.attribute == "givenName").unwrap();
    assert_eq!((&lost.before, &lost.after), (&json!("Ann"), &Value::Null));
}

/// The contact of a user is gone, and another one has its address, which HubSpot gives once.
#[test]
fn a_trial_says_what_a_run_would_do_about_a_key_that_is_taken() {
    let policies = json!({"policies": [{"situation": "MISSING", "action": "CREATE"}]});
    let config = model::MappingConfig::from_value(outbound(policies)).unwrap();
    let mut scripts = engine::Scripts::new();
    let mapping = mapping::Mapping::compile(config, None, &mut scripts).unwrap();
    let object = |value: Value| value.as_object().cloned().unwrap();
    let link = store::Link {
        source_id: "u1".into(),
        target_id: "6".into(),
        source_hash: None,
        target_hash: None,
        version: None,
        base_source: None,
        base_target: None,
    };
    let record = engine::TrialRecord {
        qualifier: "default".into(),
        id: "u1".into(),
        source: object(json!({"mail": "ann@example.com", "givenName": "Ann", "sn": "Li"})),
        link: Some(link),
        matches: vec![("7".into(), object(json!({"email": "ann@example.com", "firstname": "A"})))],
        ..engine::TrialRecord::default()
    };
    for (target_key, action, target) in
        [(None, Action::Create, None), (Some("email"), Action::Update, Some("7".to_owned()))]
    {
        let ends = engine::TrialEnds { source: "user", target: "contact", target_key, policies: None };
        let tried = engine::try_record(&mapping, &scripts, ends, &record).unwrap();
        assert_eq!((tried.action, tried.target), (Some(action), target), "{}", tried.reason);
    }
}

/// There are more Lis than correlation names, and one Ann Li: she is found among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_record_with_two_common_values_is_found() {
    let bench = small().await;
    for n in 0..110 {
        contact(&bench, &format!("li{n}@example.com"), "Bob");
        let (mail, portal) = (format!("ann{n}@example.com"), bench.sandbox.portal());
        portal.create(&[("email", &mail), ("firstname", "Ann"), ("lastname", "Ng")]).unwrap();
    }
    let ann = contact(&bench, "ann@example.com", "Ann");
    let rule = json!({"expressionTree": {"all": ["lastname", "firstname"]}});
    bench.put(outbound(json!({"correlationQuery": rule}))).await;
    support::new_person(&bench, "ann", "ann.li@example.com", "Ann", "Li").await;
    let run = bench.recon(OUTBOUND).await;
    let entry = bench.entries(&run).await.into_iter().find(|e| e.source_id.is_some()).unwrap();
    assert_eq!((entry.situation, entry.target_id), (Situation::Found, Some(ann)), "{}", entry.reason);
}

/// Whose source is gone is nobody's to decide but a person's, unless a policy says it: here the contact, then the user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_of_a_record_whose_source_is_gone_is_asked_and_done() {
    for answer in [Answer::Delete, Answer::Unlink] {
        let bench = small().await;
        let contacts: Vec<String> =
            (0..12).map(|n| contact(&bench, &format!("p{n}@example.com"), "Pat")).collect();
        bench.put(inbound(json!({"policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}]}))).await;
        bench.recon(INBOUND).await;
        let (gone, user) = (&contacts[3], linked(&bench, &contacts[3]).await.unwrap());
        bench.sandbox.portal().archive(gone);
        let preview = bench.run(INBOUND, RunMode::Preview).await;
        assert_eq!(inbox(&bench).await, [], "a preview asks nothing");
        bench.apply(&preview, None).await;
        bench.recon(INBOUND).await;
        let questions = inbox(&bench).await;
        assert_eq!(questions.len(), 1, "{questions:?}");
        let asked = &questions[0].question;
        assert_eq!((asked.kind, &asked.source_id), (InboxKind::SourceGone, gone));
        assert_eq!(asked.target_id.as_ref(), Some(&user));
        for other in [Answer::Create, Answer::Link(user.clone())] {
            assert!(bench.engine.answer(questions[0].seq, other, "test").await.is_err());
        }
        let words = bench.engine.answer(questions[0].seq, answer.clone(), "test").await.unwrap();
        assert_eq!(inbox(&bench).await, [], "{words}");
        assert_eq!(linked(&bench, gone).await, None);
        let left = usize::from(answer == Answer::Unlink) + 11;
        assert_eq!(bench.users().await.len(), left, "{words}");
        bench.recon(INBOUND).await;
        assert_eq!((inbox(&bench).await, bench.users().await.len()), (Vec::new(), left));
    }
}

/// A user is deleted here: the change that flows on asks about the contact at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_flows_on_asks_what_becomes_of_the_other_record() {
    for answer in [Answer::Delete, Answer::Unlink, Answer::Dismiss] {
        let bench = small().await;
        bench.put(outbound(json!({}))).await;
        let user = support::new_user(&bench, "ann", "ann@example.com").await;
        bench.recon(OUTBOUND).await;
        let there = || !bench.sandbox.portal().contacts().is_empty();
        assert!(there());
        bench.engine.delete_managed("user", &user, None, "test").await.unwrap();
        bench.engine.deliver_due().await.unwrap();
        let asked = inbox(&bench).await;
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!((asked[0].question.kind, asked[0].run), (InboxKind::SourceGone, None));
        let words = bench.engine.answer(asked[0].seq, answer.clone(), "test").await.unwrap();
        assert_eq!(there(), answer != Answer::Delete, "{words}");
        assert_eq!(inbox(&bench).await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_back_keeps_its_record_whatever_was_asked() {
    let bench = small().await;
    let contacts: Vec<String> =
        (0..12).map(|n| contact(&bench, &format!("p{n}@example.com"), "Pat")).collect();
    bench.recon(INBOUND).await;
    bench.sandbox.portal().archive(&contacts[3]);
    bench.recon(INBOUND).await;
    let asked = inbox(&bench).await.remove(0).seq;
    bench.sandbox.portal().restore(sandbox::hubspot::ObjectKind::Contact, &contacts[3]).unwrap();
    let refused = bench.engine.answer(asked, Answer::Delete, "test").await.unwrap_err();
    assert!(refused.to_string().contains("not SOURCE_MISSING"), "{refused}");
    assert_eq!((bench.users().await.len(), inbox(&bench).await.len()), (12, 1));
    bench.recon(INBOUND).await;
    assert_eq!(inbox(&bench).await, [], "nothing is left to be asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_gone_is_made_again_when_somebody_says_so() {
    let bench = small().await;
    let ann = contact(&bench, "ann@example.com", "Ann");
    bench.recon(INBOUND).await;
    let old = linked(&bench, &ann).await.unwrap();
    bench.engine.delete_managed("user", &old, None, "test").await.unwrap();
    bench.recon(INBOUND).await;
    let question = inbox(&bench).await.remove(0);
    assert_eq!(question.question.kind, InboxKind::TargetGone);
    assert!(bench.engine.answer(question.seq, Answer::Delete, "test").await.is_err());
    bench.engine.answer(question.seq, Answer::Create, "test").await.unwrap();
    let new = linked(&bench, &ann).await.unwrap();
    assert!(new != old && bench.users().await.iter().any(|(id, _)| *id == new));
    bench.recon(INBOUND).await;
    assert_eq!(inbox(&bench).await, []);
}
