//! What must not happen: mass deletes, duplicates, losses.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod support;

use engine::{EngineError, RunRequest};
use sandbox::{
    faults::{ALWAYS, Action, Fault},
    hubspot::Options,
};
use serde_json::{Value, json};
use store::{EntryStatus, RunMode, RunState};
use support::{INBOUND, OUTBOUND, bench, inbound, links, new_person, new_user, open, outbound, prop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mass_deletes_are_held_and_released_only_for_one_run() {
    let bench = bench(Options { records: 100, seed: 5, ..Options::default() }).await;
    bench.put(inbound(json!({"policies": [
        {"situation": "UNASSIGNED", "action": "IGNORE"}, {"situation": "SOURCE_MISSING", "action": "DELETE"}
    ]}))).await;
    bench.recon(INBOUND).await;
    let before = bench.users().await.len();
    let portal = bench.sandbox.portal();
    let gone: Vec<_> =
        portal.contacts().into_iter().filter(|c| !prop(c, "email").is_empty()).take(6).collect();
    for contact in &gone {
        assert!(portal.archive(&contact.id));
    }
    let held = bench.recon(INBOUND).await;
    assert_eq!(held.state, RunState::Held, "{:?}", held.message);
    assert!(
        held.message.as_deref().unwrap().contains("6 deletes are planned, 5 are allowed"),
        "{:?}",
        held.message
    );
    assert_eq!(bench.users().await.len(), before);
    let too_few = bench.apply(&held, Some(5)).await;
    assert_eq!(too_few.state, RunState::Held);
    let released = bench.apply(&held, Some(6)).await;
    assert_eq!(released.state, RunState::Success, "{:?}", released.message);
    assert_eq!(released.progress.deleted, 6);
    assert_eq!(bench.users().await.len(), before - 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_lost_too_many_holds_the_run_and_an_empty_one_too() {
    let bench = bench(Options { records: 100, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let portal = bench.sandbox.portal();
    for contact in portal.contacts().into_iter().take(20) {
        assert!(portal.archive(&contact.id));
    }
    let held = bench.recon(INBOUND).await;
    assert_eq!(held.state, RunState::Held);
    assert!(held.message.as_deref().unwrap().contains("less than 90 %"), "{:?}", held.message);
    for contact in portal.contacts() {
        assert!(portal.archive(&contact.id));
    }
    let empty = bench.recon(INBOUND).await;
    assert!(empty.message.as_deref().unwrap().contains("the source is empty"), "{:?}", empty.message);
}

/// To the target it is the same as an empty source: everybody there is without one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_query_that_takes_in_nobody_holds_like_an_empty_source() {
    let bench = bench(Options { records: 3, seed: 5, ..Options::default() }).await;
    let made = bench.recon(INBOUND).await.progress.created;
    let links = links(INBOUND);
    for contact in bench.sandbox.portal().contacts() {
        let links = links.clone();
        bench.store.write(move |w| w.remove_link(&links, &contact.id)).await.unwrap();
    }
    let narrowed = |believed: bool| {
        inbound(json!({
            "sourceQuery": {"_queryFilter": "/lifecyclestage eq \"costumer\""},
            "policies": [{"situation": "UNASSIGNED", "action": "DELETE"}],
            "allowEmptySourceSet": believed,
        }))
    };
    bench.put(narrowed(false)).await;
    let held = bench.run_with(INBOUND, RunMode::Reconcile, Vec::new(), Some(10)).await;
    assert_eq!((held.state, held.progress.deleted), (RunState::Held, 0));
    let told = held.message.unwrap();
    assert!(told.contains("sourceQuery takes in none of the 3 source records"), "{told}");
    bench.put(narrowed(true)).await;
    assert_eq!(bench.recon(INBOUND).await.progress.deleted, made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_made_of_a_record_that_went_while_a_read_was_broken_off() {
    let bench = bench(Options { records: 500, seed: 5, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    portal.set_faults(vec![Fault::on("/crm/objects/2026-03/contacts", Action::Html).nth(4).times(ALWAYS)]);
    assert_eq!(bench.recon(INBOUND).await.state, RunState::Failed);
    portal.clear_faults();
    // Among the first pages, which are not read again.
    let gone = portal.contacts().into_iter().find(|c| !prop(c, "email").is_empty()).unwrap();
    portal.archive(&gone.id);
    let run = bench.recon(INBOUND).await;
    assert!(run.progress.resumed.is_some() && run.state == RunState::Success, "{:?}", run.message);
    let mail = prop(&gone, "email").to_lowercase();
    assert!(bench.users().await.iter().all(|(_, known)| *known != mail));
    let again = bench.recon(INBOUND).await;
    assert_eq!((again.progress.created, again.progress.deleted), (0, 0), "{:?}", again.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_vanished_between_the_plan_and_its_writes_is_stale() {
    let bench = bench(Options { records: 40, seed: 5, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    let with_mail =
        |n: usize| portal.contacts().into_iter().filter(|c| !prop(c, "email").is_empty()).nth(n).unwrap();
    // A source that goes: nobody is made of it.
    let preview = bench.run(INBOUND, RunMode::Preview).await;
    let gone = with_mail(3);
    portal.archive(&gone.id);
    let run = bench.apply(&preview, None).await;
    let stale: Vec<_> =
        bench.entries(&run).await.into_iter().filter(|e| e.status == EntryStatus::Stale).collect();
    assert_eq!(stale.len(), 1, "{stale:?}");
    assert!(stale[0].reason.contains("the source record is gone"), "{}", stale[0].reason);
    let mail = prop(&gone, "email").to_lowercase();
    assert!(bench.users().await.iter().all(|(_, known)| *known != mail));

    // A target that goes, and a source of the repository that goes.
    bench.recon(OUTBOUND).await;
    let (kept, lost) = (with_mail(5), with_mail(6));
    for contact in [&kept, &lost] {
        let user = bench.user_by_mail(&prop(contact, "email").to_lowercase()).await;
        bench.edit(&user.id, json!({"sn": "Changed"})).await;
    }
    let preview = bench.run(OUTBOUND, RunMode::Preview).await;
    portal.archive(&lost.id);
    let user = bench.user_by_mail(&prop(&kept, "email").to_lowercase()).await;
    bench.engine.delete_managed("user", &user.id, None, "test").await.unwrap();
    let run = bench.apply(&preview, None).await;
    assert_eq!((run.state, run.progress.updated), (RunState::Success, 0), "{:?}", run.message);
    let reasons: Vec<String> = bench
        .entries(&run)
        .await
        .into_iter()
        .filter(|e| e.status == EntryStatus::Stale)
        .map(|e| e.reason)
        .collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert_eq!(prop(&bench.contact(&prop(&kept, "email")), "lastname"), prop(&kept, "lastname"));
}

/// A contact that does not qualify for a while, and one that is in the recycle bin for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_plan_takes_nothing_from_a_source_that_has_changed_or_come_back() {
    for action in ["DELETE", "UNLINK"] {
        let bench = bench(Options { records: 40, seed: 5, ..Options::default() }).await;
        let policies = json!([
            {"situation": "UNQUALIFIED", "action": action}, {"situation": "SOURCE_MISSING", "action": action},
            {"situation": "UNASSIGNED", "action": "IGNORE"}
        ]);
        bench
            .put(inbound(
                json!({"policies": policies, "sourceCondition": "/source/email pr and /source/phone pr"}),
            ))
            .await;
        let portal = bench.sandbox.portal();
        let contacts: Vec<_> =
            portal.contacts().into_iter().filter(|c| !prop(c, "email").is_empty()).take(4).collect();
        for contact in &contacts {
            portal.set(&contact.id, &[("phone", "555")]).unwrap();
        }
        bench.recon(INBOUND).await;
        let [unqualified, qualifies, gone, comes_back] = contacts.as_slice() else { unreachable!() };
        for contact in [unqualified, qualifies] {
            portal.set(&contact.id, &[("phone", "")]).unwrap();
        }
        for contact in [gone, comes_back] {
            portal.archive(&contact.id);
        }
        let preview = bench.run(INBOUND, RunMode::Preview).await;
        let planned = bench.entries(&preview).await;
        assert_eq!(planned.iter().filter(|e| e.status == EntryStatus::Planned).count(), 4, "{planned:#?}");
        portal.set(&qualifies.id, &[("phone", "555")]).unwrap();
        portal.restore(sandbox::hubspot::ObjectKind::Contact, &comes_back.id).unwrap();
        let run = bench.apply(&preview, None).await;
        assert_eq!(run.state, RunState::Success, "{:?}", run.message);
        let entries = bench.entries(&run).await;
        let of = |contact: &sandbox::hubspot::RecordCopy| {
            let entry = entries.iter().find(|e| e.source_id.as_ref() == Some(&contact.id)).unwrap();
            (entry.status, entry.reason.clone())
        };
        for contact in [unqualified, gone] {
            assert_eq!(of(contact).0, EntryStatus::Done, "{action}: {}", of(contact).1);
        }
        for (contact, why) in [(qualifies, "has changed since"), (comes_back, "is there again")] {
            let (status, reason) = of(contact);
            assert_eq!(status, EntryStatus::Stale, "{action}: {reason}");
            assert!(reason.contains(&format!("the source record {why}")), "{reason}");
            let id = contact.id.clone();
            let link =
                bench.store.read(move |r| r.link_of_source(&support::links(INBOUND), &id)).await.unwrap();
            assert!(link.is_some(), "{action}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_breaks_off_changes_nothing() {
    let bench = bench(Options { records: 500, seed: 5, ..Options::default() }).await;
    bench
        .put(inbound(json!({"policies": [
        {"situation": "UNASSIGNED", "action": "DELETE"}, {"situation": "SOURCE_MISSING", "action": "DELETE"}
    ], "guards": {"maxDeletes": 1_000_000}})))
        .await;
    bench.recon(INBOUND).await;
    let before = bench.users().await;
    let portal = bench.sandbox.portal();
    for action in
        [Action::EmptyObject, Action::Html, Action::TruncatedJson, Action::DropPaging, Action::SelfCursor]
    {
        portal.set_faults(vec![
            Fault::on("/crm/objects/2026-03/contacts", action.clone()).nth(3).times(ALWAYS),
        ]);
        let run = bench.recon(INBOUND).await;
        assert_eq!(run.state, RunState::Failed, "{action:?}: {:?}", run.message);
        assert_eq!(bench.users().await, before, "{action:?}");
        portal.clear_faults();
        // The next run goes on where this one stopped, and ends as if nothing had been.
        let calls = portal.call_count();
        let run = bench.recon(INBOUND).await;
        assert_eq!(
            (run.state, run.progress.deleted, run.progress.created),
            (RunState::Success, 0, 0),
            "{:?}",
            run.message
        );
        assert!(run.progress.resumed.is_some(), "{action:?}");
        assert!(portal.call_count() - calls < 5, "{action:?}: the pages that were read are not read again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_is_taken_up_and_does_not_add_up_is_begun_again() {
    let bench = bench(Options { records: 500, seed: 5, ..Options::default() }).await;
    let portal = bench.sandbox.portal();
    let contacts = portal.contacts();
    // A page that leads on and brings nobody; whoever reads goes before the end, where it would have shown.
    let leads_on = json!({"results": [], "paging": {"next": {"after": contacts[199].id}}});
    let empty = Action::Answer { status: 200, body: Some(leads_on), headers: Default::default() };
    portal.set_faults(vec![
        Fault::on("/crm/objects/2026-03/contacts", empty).nth(2),
        Fault::on("/crm/objects/2026-03/contacts", Action::Html).nth(4).times(ALWAYS),
    ]);
    assert_eq!(bench.recon(INBOUND).await.state, RunState::Failed);
    portal.clear_faults();
    let run = bench.recon(INBOUND).await;
    assert_eq!((run.state, run.progress.resumed), (RunState::Success, None), "{:?}", run.message);
    let users = bench.users().await;
    for contact in contacts.iter().filter(|c| !prop(c, "email").is_empty()) {
        let mail = prop(contact, "email").to_lowercase();
        assert!(users.iter().any(|(_, known)| *known == mail), "{mail} was left out");
    }
}

/// What has changed over there since a read was broken off is not known when it is taken up, and not written over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_is_taken_up_writes_over_nothing_that_came_since() {
    let bench = bench(Options { records: 500, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    bench.put(outbound(json!({"conflictRule": "ask"}))).await;
    bench.recon(OUTBOUND).await;
    let portal = bench.sandbox.portal();
    portal.set_faults(vec![Fault::on("/crm/objects/2026-03/contacts", Action::Html).nth(4).times(ALWAYS)]);
    assert_eq!(bench.recon(OUTBOUND).await.state, RunState::Failed);
    portal.clear_faults();
    // Both among the first pages, which are not read again.
    let mut first = portal.contacts().into_iter().filter(|c| !prop(c, "email").is_empty());
    let (both, here) = (first.next().unwrap(), first.next().unwrap());
    portal.set(&both.id, &[("lastname", "Theirs")]).unwrap();
    for contact in [&both, &here] {
        let user = bench.user_by_mail(&prop(contact, "email").to_lowercase()).await;
        let mut attributes = user.attributes;
        attributes.insert("sn".into(), "Ours".into());
        bench.edit(&user.id, Value::Object(attributes)).await;
    }
    let last_name = |id: &str| {
        let contact = portal.contacts().into_iter().find(|c| c.id == id).unwrap();
        prop(&contact, "lastname")
    };

    let run = bench.recon(OUTBOUND).await;
    assert!(run.progress.resumed.is_some() && run.state == RunState::Success, "{:?}", run.message);
    assert_eq!((last_name(&both.id), last_name(&here.id)), ("Theirs".into(), "Ours".into()));
    let entries = bench.entries(&run).await;
    let stale = entries.iter().find(|e| e.target_id.as_ref() == Some(&both.id)).unwrap();
    assert_eq!(stale.status, EntryStatus::Stale, "{}", stale.reason);
    let next = bench.recon(OUTBOUND).await;
    let entries = bench.entries(&next).await;
    let asked = entries.iter().find(|e| e.target_id.as_ref() == Some(&both.id)).unwrap();
    assert_eq!(
        (asked.status, last_name(&both.id)),
        (EntryStatus::NeedsYou, "Theirs".into()),
        "{}",
        asked.reason
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_that_would_make_the_same_record_are_ambiguous_all_of_them() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    bench
        .put(outbound(json!({"properties": [
            {"source": "mail", "target": "email"}, {"source": "sn", "target": "lastname"}
        ]})))
        .await;
    for name in ["one", "two", "three"] {
        let mail = if name == "three" { "alone@example.org" } else { "Shared@example.org" };
        new_user(&bench, name, mail).await;
    }
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    assert_eq!(run.progress.created, 1);
    let ambiguous: Vec<_> =
        bench.entries(&run).await.into_iter().filter(|e| e.situation.as_str() == "AMBIGUOUS").collect();
    assert_eq!(ambiguous.len(), 2);
    assert!(
        ambiguous
            .iter()
            .all(|e| e.status == EntryStatus::NeedsYou && e.reason.contains("a person has to choose"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_after_the_write_makes_no_duplicate() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    for i in 0..30 {
        new_user(&bench, &format!("n{i}"), &format!("lost{i}@example.org")).await;
    }
    let portal = bench.sandbox.portal();
    let contacts = portal.contacts().len();
    portal.set_faults(vec![Fault::on("/crm/objects/2026-03/contacts/batch/create", Action::LoseAnswer)]);
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    assert_eq!(portal.contacts().len(), contacts + 30);
    let entries = bench.entries(&run).await;
    assert!(entries.iter().all(|e| e.status != EntryStatus::Failed), "{entries:?}");
    let again = bench.recon(OUTBOUND).await;
    assert_eq!((again.progress.created, again.progress.updated), (0, 0));
    assert_eq!(portal.contacts().len(), contacts + 30);
}

/// The process dies between the send and its outcome: the journal says "sending", the next process looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_in_doubt_is_found_and_linked_by_the_next_process() {
    for arrived in [true, false] {
        let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
        bench.recon(INBOUND).await;
        let id = new_user(&bench, "doubt", "doubt@example.org").await;
        let portal = bench.sandbox.portal();
        if arrived {
            portal
                .create(&[("email", "doubt@example.org"), ("firstname", "doubt"), ("lastname", "Person")])
                .unwrap();
        }
        bench.sending(&id, None, json!({"email": "doubt@example.org"})).await;
        let contacts = portal.contacts().len();
        let (_, engine) = open(bench.folder.path(), &bench.sandbox.url());
        let run = async |mode| {
            let request = engine::RunRequest {
                mapping: OUTBOUND.into(),
                mode,
                ids: vec![],
                allow_deletes: None,
                incremental: false,
            };
            let begun = engine.begin(request).await.unwrap();
            engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap()
        };
        // Already a look at what would be done finds out and says what was done; it writes on neither side.
        let preview = run(RunMode::Preview).await;
        let words = arrived.then_some("1 write of an earlier run, whose answer was lost, was found done");
        assert_eq!((preview.progress.found_done, preview.message.as_deref()), (u64::from(arrived), words));
        assert_eq!(portal.contacts().len(), contacts);
        let creates =
            bench.entries(&preview).await.iter().filter(|e| e.action == model::Action::Create).count();
        assert_eq!(creates, usize::from(!arrived));
        let run = run(RunMode::Reconcile).await;
        assert_eq!(run.state, RunState::Success, "{:?}", run.message);
        assert_eq!(run.progress.created, u64::from(!arrived));
        assert_eq!(portal.contacts().len(), contacts + usize::from(!arrived));
    }
}

/// An update that was to link as well: the contact was found, or took the place of one that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_in_doubt_that_arrived_is_linked_where_both_records_are_free() {
    let space = || store::LinkSpace { orientation: store::Orientation::Backward, ..support::links(INBOUND) };
    for (before, expect) in
        [("nobody", true), ("gone", true), ("another target", false), ("another source", false)]
    {
        let bench = bench(Options { records: 0, seed: 5, ..Options::default() }).await;
        let portal = bench.sandbox.portal();
        let contact = |mail: &str| {
            portal.create(&[("email", mail), ("firstname", "New"), ("lastname", "Person")]).unwrap()
        };
        let [uid, other] = ["doubt@example.org", "other@example.org"].map(contact);
        let id = new_user(&bench, "doubt", "doubt@example.org").await;
        let second = new_user(&bench, "second", "second@example.org").await;
        // Both contacts are known.
        bench.run(OUTBOUND, RunMode::Preview).await;
        let link = |source: &str, target: &str| engine::Perform {
            mapping: OUTBOUND.into(),
            qualifier: "default".into(),
            source_id: Some(source.into()),
            target_id: Some(target.into()),
            action: model::Action::Link,
            situation: None,
            who: "test".into(),
        };
        match before {
            "nobody" => {}
            "another source" => drop(bench.engine.perform(link(&second, &uid)).await.unwrap()),
            _ => drop(bench.engine.perform(link(&id, &other)).await.unwrap()),
        }
        if before == "gone" {
            portal.archive(&other);
            bench.run(OUTBOUND, RunMode::Preview).await;
        }
        bench.sending(&id, Some(&uid), json!({"firstname": "New"})).await;
        let preview = bench.run(OUTBOUND, RunMode::Preview).await;
        assert_eq!(preview.progress.found_done, 1, "{before}: {:?}", preview.message);
        let (linked, owner, target) = bench
            .store
            .read(move |r| Ok((r.target_linked(&space(), &id)?, r.source_linked(&space(), &uid)?, uid)))
            .await
            .unwrap();
        assert_eq!(linked.as_ref() == Some(&target), expect, "{before}: {linked:?}");
        match before {
            "another target" => assert_eq!(linked, Some(other)),
            "another source" => assert_eq!((linked, owner), (None, Some(second))),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_builds_the_indexes_that_it_or_an_earlier_one_put_aside() {
    let mut bench = bench(Options { records: 5_500, seed: 5, ..Options::default() }).await;
    // As a process that dies in the midst of a load leaves it.
    let user = model::ManagedObjectConfig::default_user();
    let aside = move |w: &store::Writer<'_>| Ok(w.begin_load(&user, &["userName"], 5_000)?.is_some());
    assert!(bench.store.write(aside.clone()).await.unwrap());
    (bench.store, bench.engine) = open(bench.folder.path(), &bench.sandbox.url());
    let without =
        async |bench: &support::Bench| bench.store.read(|r| r.columns_without_index()).await.unwrap().len();
    assert!(without(&bench).await >= 4);
    bench.run_with(INBOUND, RunMode::Preview, vec!["1".into()], None).await;
    assert_eq!(without(&bench).await, 0, "whoever comes next builds them");

    let run = bench.recon(INBOUND).await;
    assert!(run.progress.created >= 5_000, "{:?}", run.message);
    assert_eq!(without(&bench).await, 0, "a load builds its own");
    let mail = bench.users().await[17].1.to_uppercase();
    let by_mail = model::Filter::parse(&format!("mail eq \"{mail}\"")).unwrap();
    let found = bench
        .store
        .read(move |r| r.managed_ids(&model::ManagedObjectConfig::default_user(), &by_mail, 9))
        .await
        .unwrap();
    assert_eq!(found, [bench.users().await[17].0.clone()]);
    assert_eq!(bench.store.faults().unwrap(), Vec::<String>::new());

    // What has a few thousand already is searched while more come.
    assert!(!bench.store.write(aside).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_cut_off_is_gone_on_with_and_its_indexes_are_built() {
    let mut bench = bench(Options { records: 5_500, seed: 5, ..Options::default() }).await;
    let plan = bench.run(INBOUND, RunMode::Preview).await;
    let planned = bench.entries(&plan).await.iter().filter(|e| e.action == model::Action::Create).count();
    let begun = bench.engine.begin_apply(&plan.id, None).await.unwrap();
    // The power goes while the second thousand of the sources are looked at again.
    bench.store.stop_after(20);
    bench.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap_err();
    (bench.store, bench.engine) = open(bench.folder.path(), &bench.sandbox.url());
    let made = bench.users().await.len();
    assert!((1..planned).contains(&made), "{made} of {planned}");
    assert!(!bench.store.read(|r| r.columns_without_index()).await.unwrap().is_empty());
    bench.engine.bury_all_dead_runs().await.unwrap();
    let buried = bench.engine.run_row(&plan.id).await.unwrap();
    let counted = |run: &store::Run| (run.progress.created as usize, run.progress.linked as usize);
    assert_eq!((buried.state, counted(&buried)), (RunState::Interrupted, (made, made)));
    let rest = bench.apply(&plan, None).await;
    assert_eq!((rest.state, bench.users().await.len()), (RunState::Success, planned), "{:?}", rest.message);
    assert_eq!(counted(&rest), (planned, planned));
    assert_eq!(bench.store.read(|r| r.columns_without_index()).await.unwrap(), Vec::<usize>::new());
    assert_eq!(bench.store.faults().unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_refuses_each_value_that_somebody_has() {
    let bench = bench(Options { records: 5_500, seed: 5, ..Options::default() }).await;
    new_user(&bench, "here before", "before@example.org").await;
    // A family name is everybody's: the first one of each makes a user, in the order of the plan.
    bench.put(inbound(json!({"correlationQuery": null, "properties": [
        {"source": "email", "target": "mail"}, {"source": "lastname", "target": "userName", "default": "-"},
        {"source": "firstname", "target": "givenName", "default": "-"}, {"source": "lastname", "target": "sn", "default": "-"}
    ]}))).await;
    let run = bench.recon(INBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    let creates: Vec<_> =
        bench.entries(&run).await.into_iter().filter(|e| e.action == model::Action::Create).collect();
    let mut names = std::collections::HashSet::new();
    let mut made = 0;
    for entry in &creates {
        let name = entry.changes.iter().find(|c| c.attribute == "userName").unwrap().after.as_str().unwrap();
        let first = names.insert(name.to_ascii_lowercase());
        made += u64::from(first);
        let expect = if first { EntryStatus::Done } else { EntryStatus::Failed };
        assert_eq!(entry.status, expect, "{name}: {}", entry.reason);
        assert!(first || entry.reason.contains(name), "{name}: {}", entry.reason);
    }
    assert!(creates.len() > 5_000 && (2..5_000).contains(&made), "{made} of {}", creates.len());
    assert_eq!((run.progress.created, bench.users().await.len() as u64), (made, made + 1));
    assert_eq!(bench.store.read(|r| r.columns_without_index()).await.unwrap(), Vec::<usize>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_makes_a_user_during_a_load_is_noticed() {
    let bench = bench(Options { records: 5_500, seed: 5, ..Options::default() }).await;
    let plan = bench.run(INBOUND, RunMode::Preview).await;
    let creates: Vec<_> =
        bench.entries(&plan).await.into_iter().filter(|e| e.action == model::Action::Create).collect();
    let wanted = |entry: &store::Entry| {
        let name = entry.changes.iter().find(|c| c.attribute == "userName").unwrap();
        name.after.as_str().unwrap().to_owned()
    };
    let name = wanted(creates.last().unwrap());
    let apply = bench.apply(&plan, None);
    let meanwhile = async {
        while bench.store.read(|r| r.managed_count("user")).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        new_user(&bench, &name.to_uppercase(), "meanwhile@example.org").await;
    };
    let (run, ()) = tokio::join!(apply, meanwhile);
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    let entries = bench.entries(&run).await;
    let refused: Vec<_> = entries.iter().filter(|e| e.status == EntryStatus::Failed).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(wanted(refused[0]), name);
    assert_eq!(run.progress.created, creates.len() as u64 - 1);
    assert_eq!(bench.users().await.len(), creates.len());
    assert_eq!(bench.store.read(|r| r.columns_without_index()).await.unwrap(), Vec::<usize>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_record_fails_alone_with_its_reason() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    bench.put(outbound(json!({"properties": [
        {"source": "mail", "target": "email"}, {"source": "sn", "target": "lastname"}, {"source": "title", "target": "lifecyclestage"}
    ]}))).await;
    for i in 0..20 {
        let id = new_user(&bench, &format!("b{i}"), &format!("bad{i}@example.org")).await;
        bench.edit(&id, json!({"title": if i == 7 { "no such stage" } else { "lead" }})).await;
    }
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.state, RunState::Success, "{:?}", run.message);
    assert_eq!(run.progress.created, 19);
    let failed: Vec<_> =
        bench.entries(&run).await.into_iter().filter(|e| e.status == EntryStatus::Failed).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        failed[0].reason.contains("lifecyclestage") || failed[0].reason.contains("no such stage"),
        "{}",
        failed[0].reason
    );
}

/// HubSpot is migrating the account and will not take writes for two hours: the run rests at once, in words, and one that a
/// person begins goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_takes_no_writes_for_long_lets_the_run_rest_at_once() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    for i in 0..250 {
        new_user(&bench, &format!("w{i}"), &format!("wait{i}@example.org")).await;
    }
    let portal = bench.sandbox.portal();
    let busy = Action::Answer {
        status: 477,
        body: Some(json!({"status": "error", "message": "Migration in progress"})),
        headers: json!({"Retry-After": "7200"}).as_object().unwrap().clone(),
    };
    portal.set_faults(vec![Fault::on("/crm/objects/2026-03/contacts/batch/create", busy).times(ALWAYS)]);
    portal.reset_calls();
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.state, RunState::Paused, "{:?}", run.message);
    assert!(run.message.as_deref().unwrap().contains("goes on at"), "{:?}", run.message);
    let creates = portal.calls().iter().filter(|c| c.path.ends_with("/batch/create")).count();
    assert!(creates <= 2, "{creates} batches were tried");
    portal.clear_faults();
    assert_eq!(bench.recon(OUTBOUND).await.progress.created, 250);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_of_one_mapping_do_not_overlap() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    let request = || engine::RunRequest {
        mapping: INBOUND.into(),
        mode: RunMode::Preview,
        ids: vec![],
        allow_deletes: None,
        incremental: false,
    };
    let first = bench.engine.begin(request()).await.unwrap();
    let (_, other) = open(bench.folder.path(), &bench.sandbox.url());
    let refused = other.begin(request()).await.err().unwrap();
    assert!(refused.to_string().contains("is being run already"), "{refused}");
    drop(first);
    assert!(other.begin(request()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_row_whose_target_is_down_waits_and_is_tried_again() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let (id, mail) = bench.users().await.into_iter().next().unwrap();
    let portal = bench.sandbox.portal();
    portal.set_faults(vec![
        Fault::on(
            "/crm/objects/2026-03/contacts/batch/update",
            Action::Answer {
                status: 400,
                body: Some(
                    json!({"status": "error", "message": "not today", "category": "VALIDATION_ERROR"}),
                ),
                headers: Default::default(),
            },
        )
        .times(ALWAYS),
    ]);
    bench.edit(&id, json!({"sn": "Later"})).await;
    let results = bench.engine.deliver_object("user", &id).await.unwrap();
    assert_eq!(results[0].ok, Some(false));
    assert!(results[0].message.contains("not today"), "{}", results[0].message);
    portal.clear_faults();
    let now = jiff_now();
    bench.store.write(move |w| w.retry_queue(None, now)).await.unwrap();
    assert_eq!(bench.engine.deliver_due().await.unwrap().delivered, 1);
    assert_eq!(prop(&bench.contact(&mail), "lastname"), "Later");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_mapping_that_is_being_run_hide_nobody_elses() {
    let bench = bench(Options { records: 160, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let users = bench.users().await;
    assert!(users.len() > 120);
    for (id, _) in users.iter().take(110) {
        bench.edit(id, json!({"sn": "First"})).await;
    }
    let mut second = outbound(json!({"name": "second"}));
    second.as_object_mut().unwrap().shift_remove("links");
    bench.put(second).await;
    let (id, mail) = &users[115];
    bench.edit(id, json!({"sn": "Second"})).await;
    let request = engine::RunRequest {
        mapping: OUTBOUND.into(),
        mode: RunMode::Preview,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    };
    let _under_way = bench.engine.begin(request).await.unwrap();
    assert_eq!(bench.engine.due_mappings().await.unwrap(), [OUTBOUND, "second"]);
    let delivery = bench.engine.deliver_due().await.unwrap();
    assert_eq!((delivery.delivered, delivery.waiting), (1, 100));
    assert_eq!(prop(&bench.contact(mail), "lastname"), "Second");
    assert_eq!(bench.engine.due_mappings().await.unwrap(), [OUTBOUND]);
}

/// With so few, and with so many that a load puts the indexes aside which lead to those who match.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_plan_makes_no_second_user_of_somebody_who_came_since() {
    for records in [30, 5_500] {
        let bench = bench(Options { records, seed: 5, ..Options::default() }).await;
        let preview = bench.run(INBOUND, RunMode::Preview).await;
        let planned = bench.entries(&preview).await;
        let mail = planned
            .iter()
            .filter(|entry| entry.status == EntryStatus::Planned)
            .find_map(|entry| entry.changes.iter().find(|change| change.attribute == "mail"))
            .map(|change| change.after.as_str().unwrap().to_owned())
            .unwrap();
        let came = new_user(&bench, "came", &mail).await;
        let applied = bench.apply(&preview, None).await;
        assert_eq!(applied.state, RunState::Success, "{:?}", applied.message);
        let entries = bench.entries(&applied).await;
        let stale: Vec<_> = entries.iter().filter(|entry| entry.status == EntryStatus::Stale).collect();
        assert_eq!(stale.len(), 1, "of {records}");
        assert!(stale[0].reason.contains(&format!("{came} has come since")), "{}", stale[0].reason);
        assert_eq!(bench.users().await.iter().filter(|(_, m)| *m == mail).count(), 1);
        let next = bench.recon(INBOUND).await;
        assert_eq!((next.progress.created, next.progress.linked), (0, 1), "it is linked to that one");
    }
}

/// The preview has told that another user matches, and that a new one is made all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_that_the_stored_plan_knew_does_not_count_as_come_since() {
    let bench = bench(Options { records: 5, seed: 5, ..Options::default() }).await;
    bench.put(inbound(json!({"policies": [{"situation": "MISSING", "action": "CREATE"}]}))).await;
    bench.recon(INBOUND).await;
    let users = bench.users().await;
    for ((gone, mail), others) in users.into_iter().zip([1, 2]) {
        bench.engine.delete_managed("user", &gone, None, "test").await.unwrap();
        for n in 0..others {
            new_user(&bench, &format!("other{others}{n}"), &mail).await;
        }
        let preview = bench.run(INBOUND, RunMode::Preview).await;
        let planned = bench.entries(&preview).await;
        assert!(planned.iter().any(|entry| entry.situation == model::Situation::Missing), "{planned:?}");
        // Only where something has happened since is it asked what has come.
        new_user(&bench, &format!("somebody{others}"), &format!("somebody{others}@new.example.org")).await;
        let applied = bench.apply(&preview, None).await;
        assert_eq!(
            (applied.state, applied.progress.created),
            (RunState::Success, 1),
            "{:?}",
            applied.message
        );
        assert_eq!(bench.users().await.iter().filter(|(_, m)| *m == mail).count(), others + 1, "of {mail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_plan_looks_for_a_record_that_came_since_in_the_other_system() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    for name in ["one", "two"] {
        new_user(&bench, name, &format!("{name}@new.example.org")).await;
    }
    let preview = bench.run(OUTBOUND, RunMode::Preview).await;
    let portal = bench.sandbox.portal();
    portal.create(&[("email", "one@new.example.org"), ("firstname", "Another")]).unwrap();
    let applied = bench.apply(&preview, None).await;
    assert_eq!((applied.state, applied.progress.created), (RunState::Success, 1), "{:?}", applied.message);
    let entries = bench.entries(&applied).await;
    let stale: Vec<_> = entries.iter().filter(|entry| entry.status == EntryStatus::Stale).collect();
    assert_eq!(stale.len(), 1);
    assert!(stale[0].reason.contains("has come since"), "{}", stale[0].reason);
    assert_eq!(
        prop(&bench.contact("one@new.example.org"), "firstname"),
        "Another",
        "nothing was written there"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_mapping_planned_is_judged_by_the_newer_one_afterwards() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    bench.store.write(|w| w.remove_mapping(OUTBOUND)).await.unwrap();
    let preview = bench.run(INBOUND, RunMode::Preview).await;
    let mut changed = inbound(json!({}));
    let properties = changed["properties"].as_array_mut().unwrap();
    properties[3] =
        json!({"source": "lastname", "target": "sn", "default": "-", "transform": {"builtIn": "upper"}});
    bench.put(changed).await;
    let applied = bench.apply(&preview, None).await;
    assert_eq!(applied.state, RunState::Success, "{:?}", applied.message);
    assert!(applied.progress.created > 10);
    let told = "the mapping was changed after this was planned; it was carried out as planned";
    assert_eq!(applied.message.as_deref(), Some(told));
    bench.recon(INBOUND).await;
    for person in bench.people().await {
        let name = person["sn"].as_str().unwrap();
        assert_eq!(name, name.to_uppercase());
    }
}

/// A mapping may get another target, and a connector another system, under the names that they have. Ids mean others there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_and_an_undo_hold_for_the_records_and_the_system_that_they_were_made_for() {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    let connector = async |address: &str| {
        let document = json!({
            "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
            "configurationProperties": {"apiBaseUrl": address},
        });
        let config = model::ConnectorConfig::parse(&document.to_string(), Some("hubspot")).unwrap();
        bench.store.write(move |w| w.put_connector(&config, "2026-01-01T00:00:00Z")).await.unwrap();
    };
    connector("https://one.example.com").await;
    let mut contacts = outbound(json!({}));
    contacts.as_object_mut().unwrap().remove("links");
    let mut companies = contacts.clone();
    companies["target"] = json!("system/hubspot/company");
    bench.put(contacts.clone()).await;
    new_user(&bench, "nina", "nina@new.example.org").await;
    let done = bench.recon(OUTBOUND).await;
    assert_eq!(done.progress.created, 1, "{:?}", done.message);
    new_user(&bench, "omar", "omar@new.example.org").await;
    let preview = bench.run(OUTBOUND, RunMode::Preview).await;

    let refusals = async |why: &str| {
        let apply = bench.engine.begin_apply(&preview.id, None).await.err().unwrap().to_string();
        let undo =
            bench.engine.begin_undo(&done.id, RunMode::Reconcile, None).await.err().unwrap().to_string();
        for refusal in [apply, undo] {
            assert!(refusal.contains("was planned from") && refusal.contains(why), "{refusal}");
        }
    };
    bench.put(companies).await;
    refusals("goes from managed/user to system/hubspot/company at https://one.example.com now").await;
    bench.put(contacts).await;
    connector("https://two.example.com").await;
    refusals("system/hubspot/contact at https://two.example.com now").await;
    connector("https://one.example.com").await;
    let applied = bench.apply(&preview, None).await;
    assert_eq!((applied.state, applied.progress.created), (RunState::Success, 1), "{:?}", applied.message);

    // A stand-in listens elsewhere each time that it is started.
    connector("http://127.0.0.1:4001").await;
    new_user(&bench, "paul", "paul@new.example.org").await;
    let preview = bench.run(OUTBOUND, RunMode::Preview).await;
    connector("http://localhost:4002").await;
    assert_eq!(bench.apply(&preview, None).await.progress.created, 1);
}

/// What a colleague has made in the other system meets the policy that the mapping has for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_found_when_it_is_to_be_made_goes_by_the_policy_for_found() {
    for (action, status, first_name) in [
        ("UPDATE", EntryStatus::Done, "New"),
        ("LINK", EntryStatus::Done, "Orig"),
        ("IGNORE", EntryStatus::Skipped, "Orig"),
        ("EXCEPTION", EntryStatus::NeedsYou, "Orig"),
        ("DELETE", EntryStatus::NeedsYou, "Orig"),
    ] {
        let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
        let policies = json!([{"situation": "FOUND", "action": action}, {"situation": "UNASSIGNED", "action": "DELETE"}]);
        let mut alone = outbound(json!({"policies": policies}));
        alone.as_object_mut().unwrap().retain(|key, _| key != "links" && key != "correlationQuery");
        bench.put(alone).await;
        let portal = bench.sandbox.portal();
        for contact in portal.contacts() {
            portal.archive(&contact.id);
        }
        let id = portal
            .create(&[("email", "a@x.example.org"), ("firstname", "Orig"), ("lastname", "Inal")])
            .unwrap();
        new_person(&bench, "a", "a@x.example.org", "New", "Name").await;
        let run = bench.recon(OUTBOUND).await;
        assert_eq!(run.state, RunState::Success, "{action}: {:?}", run.message);
        let entries = bench.entries(&run).await;
        let entry = entries.iter().find(|entry| entry.source_id.is_some()).unwrap();
        assert_eq!((entry.situation, entry.status), (model::Situation::Found, status), "{action}: {entry:?}");
        let linked = status == EntryStatus::Done;
        match portal.contact(&id).filter(|contact| !contact.archived) {
            Some(contact) => assert_eq!(prop(&contact, "firstname"), first_name, "{action}"),
            // Nobody has linked it, and such contacts are deleted here.
            None => assert!(!linked, "{action}"),
        }
        let space = store::LinkSpace { orientation: store::Orientation::Forward, ..support::links(OUTBOUND) };
        let link = bench.store.read(move |r| r.link_of_target(&space, &id)).await.unwrap();
        assert_eq!(link.is_some(), linked, "{action}");
    }
}

/// A condition of the policy for FOUND cannot be evaluated for one of the records that are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_fails_for_a_record_that_is_found_fails_that_record_alone() {
    let bench = bench(Options { records: 0, seed: 5, ..Options::default() }).await;
    let condition = json!({"type": "text/javascript", "source": "object.firstname.missing.length > 0"});
    let policies = json!([{"situation": "FOUND", "action": "UPDATE", "condition": condition}]);
    let mut alone = outbound(json!({"policies": policies}));
    alone.as_object_mut().unwrap().retain(|key, _| key != "links" && key != "correlationQuery");
    bench.put(alone).await;
    let portal = bench.sandbox.portal();
    portal.create(&[("email", "there@example.org"), ("firstname", "Orig")]).unwrap();
    for name in ["there", "new"] {
        new_user(&bench, name, &format!("{name}@example.org")).await;
    }
    for created in [1, 0] {
        let run = bench.recon(OUTBOUND).await;
        assert_eq!((run.state, run.progress.created), (RunState::Success, created), "{:?}", run.message);
        assert_eq!(bench.store.read(|r| r.in_doubt(OUTBOUND)).await.unwrap(), []);
        let entries = bench.entries(&run).await;
        let failed: Vec<_> = entries.iter().filter(|e| e.status == EntryStatus::Failed).collect();
        assert_eq!(failed.len(), 1, "{entries:#?}");
        assert!(failed[0].reason.contains("had this record already"), "{}", failed[0].reason);
    }
    assert_eq!(prop(&bench.contact("there@example.org"), "firstname"), "Orig");
}

#[allow(clippy::disallowed_methods)]
fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_property_that_was_deleted_in_hubspot_empties_nobody() {
    // A script that is given the whole record reads what the schema tells of; the mapping names the property all the same.
    for script in [json!(null), json!({"type": "text/javascript", "source": "source.email != null"})] {
        deleted_property_empties_nobody(script).await;
    }
}

async fn deleted_property_empties_nobody(valid_source: serde_json::Value) {
    let bench = bench(Options { records: 10, seed: 5, ..Options::default() }).await;
    let hubspot = support::hubspot(&bench.sandbox.url(), std::sync::Arc::new(jiff::Timestamp::now));
    let remark = connector::Creation {
        trace: "1".into(),
        attributes: json!({"name": "remark"}).as_object().unwrap().clone(),
    };
    hubspot.create("contactProperties", &[remark]).await;
    let portal = bench.sandbox.portal();
    for contact in portal.contacts() {
        portal.set(&contact.id, &[("remark", "Likes tea")]).unwrap();
    }
    bench
        .put(inbound(json!({"validSource": valid_source, "properties": [
            {"source": "email", "target": "userName"},
            {"source": "email", "target": "mail"},
            {"source": "firstname", "target": "givenName", "default": "-"},
            {"source": "lastname", "target": "sn", "default": "-"},
            {"source": "remark", "target": "description", "whenEmpty": "clear"}
        ]})))
        .await;
    assert_eq!(bench.recon(INBOUND).await.state, RunState::Success);
    let before = bench.people().await;
    assert!(before.iter().any(|user| user["description"] == "Likes tea"));
    hubspot.delete("contactProperties", &["remark".to_owned()]).await;
    for incremental in [false, true] {
        let request = engine::RunRequest {
            mapping: INBOUND.into(),
            mode: RunMode::Reconcile,
            ids: Vec::new(),
            allow_deletes: None,
            incremental,
        };
        let begun = bench.engine.begin(request).await.unwrap();
        let run = bench.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap();
        assert_eq!(run.state, RunState::Failed, "{:?}", run.message);
        let message = run.message.unwrap_or_default();
        assert!(message.contains("`remark`") && message.contains("restore the property"), "{message}");
        assert_eq!(bench.people().await, before);
    }
}

/// It is read before its lock is waited for, and may be another one afterwards, or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_that_was_removed_while_its_lock_was_waited_for_is_not_run() {
    let bench = bench(Options { records: 5, seed: 5, ..Options::default() }).await;
    let request = || RunRequest {
        mapping: INBOUND.into(),
        mode: RunMode::Preview,
        ids: Vec::new(),
        allow_deletes: None,
        incremental: false,
    };
    let held = bench.engine.begin(request()).await.unwrap();
    let waiting = bench.engine.begin(request());
    tokio::pin!(waiting);
    // It has come as far as the lock.
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(10));
    for _ in 0..20 {
        tokio::select! {
            biased;
            ended = &mut waiting => panic!("it did not wait: {:?}", ended.err()),
            _ = ticks.tick() => {}
        }
    }
    bench.store.write(|w| w.remove_mapping(INBOUND)).await.unwrap();
    drop(held);
    let refused = waiting.await.err().unwrap();
    assert!(matches!(&refused, EngineError::NotFound(_)), "{refused}");
    assert_eq!(bench.store.read(|r| r.runs(None, None, 10)).await.unwrap().rows.len(), 1);
}
