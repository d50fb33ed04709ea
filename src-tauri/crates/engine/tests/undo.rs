//! Undo takes back what a run did, and nothing that somebody did since.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use sandbox::hubspot::Options;
use serde_json::json;
use store::{EntryStatus, Run, RunMode, RunState};
use support::{Bench, INBOUND, OUTBOUND, bench, inbound, new_person, outbound, prop};

async fn undo(bench: &Bench, run: &Run, mode: RunMode, allow: Option<u64>) -> Run {
    let begun = bench.engine.begin_undo(&run.id, mode, allow).await.unwrap();
    bench.engine.carry_out(begun, engine::CancellationToken::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_taken_back_after_it_was_looked_at() {
    let bench = bench(Options { records: 60, seed: 5, ..Options::default() }).await;
    let import = bench.recon(INBOUND).await;
    let users = bench.users().await;
    let touched = users[0].0.clone();
    bench.edit(&touched, json!({"sn": "Mine"})).await;

    let held = undo(&bench, &import, RunMode::Preview, None).await;
    assert_eq!(held.state, RunState::Held, "so many deletes are asked about: {:?}", held.message);
    assert_eq!(bench.users().await.len(), users.len());
    let applied = bench.apply(&held, Some(users.len() as u64)).await;
    assert_eq!(applied.state, RunState::Success, "{:?}", applied.message);
    let left = bench.users().await;
    assert_eq!(left.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&touched], "the edited one stays");
    let kept: Vec<_> =
        bench.entries(&applied).await.into_iter().filter(|e| e.status == EntryStatus::Skipped).collect();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].reason.contains("sn was changed since"), "{}", kept[0].reason);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_in_hubspot_are_taken_back_field_by_field() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let users = bench.users().await;
    let before: Vec<_> = users.iter().take(2).map(|(_, mail)| bench.contact(mail)).collect();
    for (id, _) in users.iter().take(2) {
        bench.edit(id, json!({"sn": "Changed", "givenName": "Also"})).await;
    }
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.progress.updated, 2);
    let portal = bench.sandbox.portal();
    portal.set(&before[1].id, &[("lastname", "Newer")]).unwrap();
    let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!(undone.state, RunState::Success, "{:?}", undone.message);
    let now: Vec<_> = users.iter().take(2).map(|(_, mail)| bench.contact(mail)).collect();
    assert_eq!(prop(&now[0], "lastname"), prop(&before[0], "lastname"));
    assert_eq!(prop(&now[0], "firstname"), prop(&before[0], "firstname"));
    assert_eq!(prop(&now[1], "lastname"), "Newer", "what was changed since stays");
    assert_eq!(prop(&now[1], "firstname"), prop(&before[1], "firstname"));
}

/// Of one record a value is refused, of another all that was to be written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_of_a_record_that_failed_is_taken_back() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    bench.recon(INBOUND).await;
    let mut mapping = outbound(json!({}));
    let made = json!({"source": "made", "target": "createdate"});
    mapping["properties"].as_array_mut().unwrap().push(made);
    bench.put(mapping).await;
    let users = bench.users().await;
    let before = bench.contact(&users[0].1);
    let made = "2020-01-01T00:00:00Z";
    bench.edit(&users[0].0, json!({"sn": "Changed", "made": made})).await;
    bench.edit(&users[1].0, json!({"made": made})).await;
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(prop(&bench.contact(&users[0].1), "lastname"), "Changed");
    let entries = bench.entries(&run).await;
    let failed = entries.iter().filter(|entry| entry.status == EntryStatus::Failed).count();
    assert_eq!((run.progress.updated, failed), (0, 2), "{:?}", run.message);
    let entry = |target: &str| entries.iter().find(|e| e.target_id.as_deref() == Some(target)).unwrap();
    let partly = entry(&before.id);
    assert_eq!(partly.status, EntryStatus::Failed);
    assert!(partly.reason.ends_with("the record's other values were written"), "{}", partly.reason);
    assert!(partly.remedy.as_ref().unwrap().contains("createdate"), "{:?}", partly.remedy);
    let written: Vec<&str> = partly.changes.iter().map(|c| c.attribute.as_str()).collect();
    assert_eq!(written, ["lastname"], "what was written");
    assert_eq!(entry(&bench.contact(&users[1].1).id).status, EntryStatus::Failed);

    let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!((undone.state, undone.progress.updated), (RunState::Success, 1), "{:?}", undone.message);
    assert_eq!(prop(&bench.contact(&users[0].1), "lastname"), prop(&before, "lastname"));
    assert_eq!(bench.entries(&undone).await.len(), 1, "of the other nothing was written");
    // It fails as before until the mapping leaves the value out.
    let again = bench.recon(OUTBOUND).await;
    let failed = bench.entries(&again).await.iter().filter(|e| e.status == EntryStatus::Failed).count();
    assert_eq!((again.progress.updated, failed), (0, 2), "{:?}", again.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_somebody_has_set_since_is_still_the_newer_one_after_an_undo() {
    for by_hand in [false, true] {
        let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
        bench.recon(INBOUND).await;
        let (id, mail) = bench.users().await.remove(0);
        let contact = bench.contact(&mail);
        bench.sandbox.portal().set(&contact.id, &[("firstname", "New")]).unwrap();
        let run = bench.recon(INBOUND).await;
        assert_eq!(run.progress.updated, 1, "{:?}", run.message);
        bench.edit(&id, json!({"sn": "PersonsNewName"})).await;
        if by_hand {
            let link = engine::Perform {
                mapping: INBOUND.into(),
                qualifier: "default".into(),
                source_id: Some(contact.id.clone()),
                target_id: Some(id.clone()),
                action: model::Action::Link,
                situation: None,
                who: "test".into(),
            };
            bench.engine.perform(link).await.unwrap();
        } else {
            let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
            assert_eq!(
                (undone.state, undone.progress.updated),
                (RunState::Success, 1),
                "{:?}",
                undone.message
            );
        }
        bench.recon(INBOUND).await;
        let user = bench.user_by_mail(&mail).await;
        assert_eq!(user.attributes["sn"], "PersonsNewName");
        bench.recon(OUTBOUND).await;
        assert_eq!(prop(&bench.contact(&mail), "lastname"), "PersonsNewName");
        // What is taken back here is no edit that is carried over the value that it came from.
        assert_eq!(prop(&bench.contact(&mail), "firstname"), "New");
    }
}

/// No correlation has asked for the contact, so that the mapping finds out only when it makes another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_was_there_before_has_its_values_again() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    let mut alone = outbound(json!({}));
    alone.as_object_mut().unwrap().retain(|key, _| key != "links" && key != "correlationQuery");
    bench.put(alone).await;
    let contacts: Vec<_> = bench
        .sandbox
        .portal()
        .contacts()
        .into_iter()
        .filter(|c| c.properties.contains_key("email"))
        .collect();
    let (differs, same) = (&contacts[0], &contacts[1]);
    new_person(&bench, "Someone Else", &prop(differs, "email"), "Somebody", "Else").await;
    new_person(&bench, "same", &prop(same, "email"), &prop(same, "firstname"), &prop(same, "lastname")).await;
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(
        (run.state, run.progress.created, run.progress.updated, run.progress.linked),
        (RunState::Success, 0, 1, 2),
        "{:?}",
        run.message
    );
    assert_eq!(prop(&bench.contact(&prop(differs, "email")), "firstname"), "Somebody");
    let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!((undone.state, undone.progress.unlinked), (RunState::Success, 2), "{:?}", undone.message);
    for before in [differs, same] {
        let now = bench.contact(&prop(before, "email"));
        for name in ["email", "firstname", "lastname"] {
            assert_eq!(prop(&now, name), prop(before, name), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_users_come_back_under_their_ids_with_their_links() {
    let bench = bench(Options { records: 30, seed: 5, ..Options::default() }).await;
    bench.put(inbound(json!({"policies": [{"situation": "SOURCE_MISSING", "action": "DELETE"}]}))).await;
    bench.recon(INBOUND).await;
    let users = bench.users().await;
    let portal = bench.sandbox.portal();
    let gone = bench.contact(&users[3].1);
    assert!(portal.archive(&gone.id));
    let run = bench.recon(INBOUND).await;
    assert_eq!(run.progress.deleted, 1, "{:?}", run.message);
    let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!(undone.state, RunState::Success, "{:?}", undone.message);
    let mut now = bench.users().await;
    let mut want = users.clone();
    now.sort();
    want.sort();
    assert_eq!(now, want);
    let linked =
        bench.store.read(move |r| r.link_of_source(&support::links(INBOUND), &gone.id)).await.unwrap();
    assert_eq!(linked.map(|l| l.target_id), Some(users[3].0.clone()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_run_that_is_kept_can_be_taken_back() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    bench.put(inbound(json!({"keepRuns": 1}))).await;
    let import = bench.recon(INBOUND).await;
    bench.recon(INBOUND).await;
    let users = bench.users().await.len();
    let undone = undo(&bench, &import, RunMode::Reconcile, Some(users as u64)).await;
    assert_eq!(undone.state, RunState::Success, "{:?}", undone.message);
    assert_eq!((undone.progress.deleted, bench.users().await.len()), (users as u64, 0));
}

/// A run made them, and what a person has put into two of them since is not thrown away with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_to_whom_somebody_added_something_stays() {
    let bench = bench(Options { records: 20, seed: 5, ..Options::default() }).await;
    let import = bench.recon(INBOUND).await;
    let users = bench.users().await;
    bench.edit(&users[0].0, json!({"city": "Bern", "postalCode": "3000"})).await;
    bench.edit(&users[1].0, json!({"password": "Correct-Horse-9"})).await;
    // Given and taken away again: nothing is lost.
    bench.edit(&users[2].0, json!({"city": "Bern"})).await;
    bench.edit(&users[2].0, json!({"city": null})).await;
    let undone = undo(&bench, &import, RunMode::Reconcile, Some(users.len() as u64)).await;
    assert_eq!(undone.state, RunState::Success, "{:?}", undone.message);
    let mut left: Vec<String> = bench.users().await.into_iter().map(|(id, _)| id).collect();
    left.sort();
    let mut stay = vec![users[0].0.clone(), users[1].0.clone()];
    stay.sort();
    assert_eq!(left, stay);
    let entries = bench.entries(&undone).await;
    let why = |id: &str| entries.iter().find(|e| e.target_id.as_deref() == Some(id)).unwrap().reason.clone();
    assert!(why(&users[0].0).ends_with("not carried out: city, postalCode was added since"), "{entries:?}");
    assert!(why(&users[1].0).ends_with("not carried out: password was added since"), "{entries:?}");
}

/// HubSpot says what the mapping would have written, and of the rest what it had when it was deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_a_run_made_goes_with_a_record_of_all_that_it_had() {
    let bench = bench(Options { records: 0, seed: 5, ..Options::default() }).await;
    // What the mapping inward reads is known of a contact, though the mapping outward does not write it.
    let mut inward = inbound(json!({"conflictRule": "newest"}));
    let more = [
        json!({"source": "jobtitle", "target": "title"}),
        json!({"source": "hs_lead_status", "target": "status"}),
    ];
    inward["properties"].as_array_mut().unwrap().extend(more);
    bench.put(inward).await;
    let mut outward = outbound(json!({"conflictRule": "newest"}));
    outward["properties"]
        .as_array_mut()
        .unwrap()
        .push(json!({"source": "stage", "target": "lifecyclestage"}));
    bench.put(outward).await;
    for name in ["ann", "bob", "cy"] {
        new_person(&bench, name, &format!("{name}@example.com"), name, "Li").await;
    }
    let run = bench.recon(OUTBOUND).await;
    assert_eq!(run.progress.created, 3, "{:?}", run.message);
    let portal = bench.sandbox.portal();
    let [ann, bob, cy] = ["ann", "bob", "cy"].map(|name| bench.contact(&format!("{name}@example.com")).id);
    portal.set(&ann, &[("phone", "555")]).unwrap();
    portal.set(&bob, &[("jobtitle", "Clerk"), ("lifecyclestage", "lead")]).unwrap();
    let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!((undone.state, undone.progress.deleted), (RunState::Success, 2), "{:?}", undone.message);
    let entries = bench.entries(&undone).await;
    let of = |id: &str| entries.iter().find(|e| e.target_id.as_deref() == Some(id)).unwrap();
    assert_eq!(of(&ann).status, EntryStatus::Skipped);
    assert!(of(&ann).reason.ends_with("not carried out: phone was added since"), "{}", of(&ann).reason);
    assert_eq!((of(&bob).status, of(&cy).status), (EntryStatus::Done, EntryStatus::Done));
    let left: Vec<String> = portal.contacts().into_iter().map(|contact| contact.id).collect();
    assert_eq!(left, [ann]);

    let again = undo(&bench, &undone, RunMode::Reconcile, None).await;
    assert_eq!(
        (again.state, again.progress.created),
        (RunState::Success, 2),
        "{:?}",
        bench.entries(&again).await
    );
    let back = bench.contact("bob@example.com");
    assert_eq!((prop(&back, "jobtitle"), prop(&back, "lastname")), ("Clerk".into(), "Li".into()));
    assert_eq!(prop(&back, "lifecyclestage"), "lead");
}

/// The process that took a delete back ended before the answer came: the contact is there, and is not made again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_an_undo_was_making_when_it_was_cut_off_is_not_made_twice() {
    let bench = bench(Options { records: 0, seed: 5, ..Options::default() }).await;
    bench
        .put(outbound(json!({"policies": [
            {"situation": "UNASSIGNED", "action": "IGNORE"}, {"situation": "SOURCE_MISSING", "action": "DELETE"}
        ]})))
        .await;
    let user = new_person(&bench, "nina", "nina@example.org", "Nina", "New").await;
    for n in 0..11 {
        new_person(&bench, &format!("n{n}"), &format!("n{n}@example.org"), "Other", "Person").await;
    }
    bench.recon(OUTBOUND).await;
    let gone = user.clone();
    bench.store.write(move |w| w.delete_managed("user", &gone, None)).await.unwrap();
    let run = bench.recon(OUTBOUND).await;
    let portal = bench.sandbox.portal();
    assert_eq!((run.progress.deleted, portal.contacts().len()), (1, 11), "{:?}", run.message);
    let values = [("email", "nina@example.org"), ("firstname", "Nina"), ("lastname", "New")];
    let arrived = portal.create(&values).unwrap();
    bench.sending(&user, None, json!({"email": "nina@example.org"})).await;
    let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!((undone.state, undone.progress.found_done), (RunState::Success, 1), "{:?}", undone.message);
    let entries = bench.entries(&undone).await;
    assert!(entries[0].reason.contains("the source is linked to another record now"), "{entries:?}");
    // It is known here as it is there.
    let path = "system/hubspot/contact";
    assert!(bench.store.read(move |r| r.mirrored(path, &arrived)).await.unwrap().is_some());
    assert_eq!(portal.contacts().len(), 12);
}

/// No link leads to it, and the provider gives the record that is made again another id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_nobodys_is_made_again_once_however_often_its_end_is_taken_back() {
    let bench = bench(Options { records: 0, seed: 5, ..Options::default() }).await;
    bench.put(outbound(json!({"policies": [{"situation": "UNASSIGNED", "action": "DELETE"}]}))).await;
    for n in 0..11 {
        new_person(&bench, &format!("n{n}"), &format!("n{n}@example.org"), "Other", "Person").await;
    }
    bench.recon(OUTBOUND).await;
    let portal = bench.sandbox.portal();
    portal.create(&[("email", "alone@example.org"), ("firstname", "A"), ("lastname", "Lone")]).unwrap();
    let run = bench.recon(OUTBOUND).await;
    assert_eq!((run.progress.deleted, portal.contacts().len()), (1, 11), "{:?}", run.message);

    let planned = undo(&bench, &run, RunMode::Preview, None).await;
    let undone = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!((undone.progress.created, portal.contacts().len()), (1, 12), "{:?}", undone.message);
    let again = undo(&bench, &run, RunMode::Reconcile, None).await;
    let why = "an earlier undo has made it again, as";
    assert!(bench.entries(&again).await[0].reason.contains(why), "{:?}", bench.entries(&again).await);
    let late = bench.apply(&planned, None).await;
    let entry = bench.entries(&late).await.remove(0);
    assert!(entry.status == EntryStatus::Stale && entry.reason.contains(why), "{entry:?}");
    assert_eq!(portal.contacts().len(), 12);
    // Once that one is gone as well, it comes back.
    portal.archive(&bench.contact("alone@example.org").id);
    let anew = undo(&bench, &run, RunMode::Reconcile, None).await;
    assert_eq!((anew.progress.created, portal.contacts().len()), (1, 12), "{:?}", anew.message);
}
