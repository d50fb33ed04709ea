//! What Concord itself has written, after somebody else had it in their hands: sealed values, and the database.

use std::cell::OnceCell;
use std::fs;

use model::schedule_config::ScheduleConfig;
use model::{Attributes, ConnectorConfig, ManagedObjectConfig, MappingConfig};
use serde_json::{Value, json};
use store::{
    AuditRow, Entry, EntryFilter, EntryStatus, Feed, HistoryEntry, InboxKind, LinkSpace, ManagedQuery,
    ManagedWrite, NewInboxRow, NewLink, NewRun, Orientation, Question, RunMode, SealedSecret, SeenPage,
    Store, StoredChange, StoredKey, UnfinishedRead,
};
use vault::{Field, Header, Memory, RecoveryKey, Secret, Vault, WrappedKey};

use crate::text;

const CANARY: &str = "canary-for-tests";
const AT: &str = "2026-01-02T03:04:05Z";

/// A vault with a sealed value, the same in every call of a thread.
struct Sealed {
    store: Memory,
    vault: Vault,
    blob: Vec<u8>,
}

fn field() -> Field<'static> {
    Field { table: "secret", row: "connector-1", field: "refreshToken", revision: 7 }
}

thread_local! {
    static SEALED: OnceCell<Sealed> = const { OnceCell::new() };
    static DATABASE: OnceCell<Vec<u8>> = const { OnceCell::new() };
}

/// Nothing but what was sealed opens, and nothing but the recovery key is read as one. The first byte says what the rest is.
pub fn vault(input: &[u8]) -> bool {
    let Some((&what, rest)) = input.split_first() else { return false };
    SEALED.with(|sealed| {
        let Sealed { store, vault, blob } = sealed.get_or_init(|| {
            let store = Memory::default();
            let (vault, _) = Vault::create_with_keyring(&store).unwrap();
            let blob = vault.seal(&field(), &Secret::new(CANARY)).unwrap();
            Sealed { store, vault, blob }
        });
        match what % 5 {
            // A sealed value of anybody's making.
            0 => {
                // libFuzzer looks at what is compared, and so comes to know the one that was sealed.
                assert!(rest == blob || vault.open(&field(), rest).is_err(), "what was never sealed opens");
                true
            }
            // A sealed value with some bytes turned, cut off or put behind.
            1 => {
                let mut turned = blob.clone();
                for (at, bits) in rest.chunks_exact(2).map(|pair| (pair.first(), pair.last())) {
                    let (Some(at), Some(bits)) = (at, bits) else { continue };
                    match (usize::from(*at), bits) {
                        (at, 0) => turned.truncate(at),
                        (255, more) => turned.push(*more),
                        (at, bits) => {
                            if let Some(byte) = turned.get_mut(at) {
                                *byte ^= bits;
                            }
                        }
                    }
                }
                let opened = vault.open(&field(), &turned);
                assert_eq!(opened.is_ok(), turned == *blob, "a turned value opens");
                let _ = vault.is_outdated(&turned);
                true
            }
            // A header of anybody's making: it opens only if it is the vault's own.
            2 => {
                let Some(header) = text(rest).and_then(|text| Header::from_json(text).ok()) else {
                    return false;
                };
                let written = header.to_json().unwrap();
                assert_eq!(Header::from_json(&written).as_ref().ok(), Some(&header), "{written}");
                let unlocked = Vault::unlock_with_keyring(&header, vault.keys(), store);
                assert!(
                    unlocked.is_err() || header == *vault.header(),
                    "a header of somebody else's opens the vault"
                );
                true
            }
            // A recovery key as typed: what is read is shown as it is read again.
            3 => {
                let Some(typed) = text(rest) else { return false };
                let Ok(key) = RecoveryKey::parse(&Secret::new(typed)) else { return false };
                let shown = key.reveal();
                let again = RecoveryKey::parse(&shown).expect("what is shown can be typed");
                assert_eq!(again.reveal().expose(), shown.expose());
                let unlocked = Vault::unlock_with_recovery(vault.header(), vault.keys(), &key);
                assert!(unlocked.is_err(), "a recovery key of somebody else's opens the vault");
                true
            }
            // Wrapped keys of anybody's making.
            _ => {
                let Ok(keys) = serde_json::from_slice::<Vec<WrappedKey>>(rest) else { return false };
                let unlocked = Vault::unlock_with_keyring(vault.header(), &keys, store);
                assert!(unlocked.is_err(), "keys of somebody else's open the vault");
                true
            }
        }
    })
}

fn object(value: Value) -> Attributes {
    value.as_object().unwrap().clone()
}

fn links() -> LinkSpace {
    LinkSpace { kind: "m".into(), qualifier: "default".into(), orientation: Orientation::Forward }
}

/// A database with a row or more of everything.
fn database_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let user = ManagedObjectConfig::default_user();
    let connector = json!({"name": "hub", "connectorRef": {"connectorName": "HubspotConnector"}}).to_string();
    let connector = ConnectorConfig::parse(&connector, None).unwrap();
    let mapping =
        json!({"name": "m", "source": "system/hub/contact", "target": "managed/user", "properties": []});
    let mapping = MappingConfig::from_value(mapping).unwrap();
    let (_, schedule) = ScheduleConfig::from_value(json!({"schedule": "0 0 2 * * ?"})).unwrap();
    store
        .write_blocking(move |w| {
            w.put_connector(&connector, AT)?;
            w.put_mapping(&mapping, AT)?;
            w.put_schedule("nightly", &schedule, 0, Some(1_800_000_000_000), AT)?;
            let change = StoredChange { attribute: "sn".into(), before: Value::Null, after: json!("Lee") };
            for n in 0..20_u8 {
                let attributes =
                    object(json!({"userName": format!("u{n}"), "sn": "Lee", "mail": format!("u{n}@x.org")}));
                let id = n.to_string();
                w.insert_managed(
                    &ManagedWrite { config: &user, id: &id, attributes: &attributes, hash: [n; 16] },
                    AT,
                )?;
                w.remember(&HistoryEntry {
                    at: AT,
                    who: "somebody",
                    kind: "user",
                    object_id: &id,
                    changes: std::slice::from_ref(&change),
                    run: None,
                    mapping: Some("m"),
                })?;
                let base = object(json!({"sn": "Lee"}));
                w.put_link(
                    &NewLink {
                        space: links(),
                        source_id: id.clone(),
                        target_id: id.clone(),
                        source_hash: Some([n; 16]),
                        target_hash: Some([n; 16]),
                        version: 1,
                        base_source: base.clone(),
                        base_target: base,
                    },
                    AT,
                )?;
            }
            let rows =
                (0..20_u8).map(|n| (n.to_string(), [n; 16], object(json!({"email": "a@x"})))).collect();
            let path = "system/hub/contact".to_owned();
            w.mirror_page(
                &SeenPage { path: path.clone(), read: 1, rows, indexed: ["email".to_owned()].into() },
                AT,
            )?;
            let run = w.begin_run(&NewRun {
                id: "r1".into(),
                mapping: "m".into(),
                mode: RunMode::Preview,
                stage: "ACTIVE_INITIALIZED".into(),
                started: AT.into(),
                ids: vec!["1".into()],
                incremental: false,
            })?;
            let question = Question { kind: InboxKind::Ambiguous, detail: json!({"targets": ["1", "2"]}) };
            let entry = |seq: i64| Entry {
                seq,
                situation: model::Situation::Confirmed,
                action: model::Action::Update,
                status: EntryStatus::Planned,
                phase: "source",
                qualifier: "default".into(),
                policy: None,
                title: "Ann Lee".into(),
                source_id: Some(seq.to_string()),
                target_id: Some(seq.to_string()),
                ambiguous: vec!["1".into()],
                changes: vec![change.clone()],
                reason: "because".into(),
                remedy: None,
                claim: None,
                source_hash: Some([1; 16]),
                target_hash: None,
                base: Some(object(json!({"sn": "Lee"}))),
                question: Some(question.clone()),
            };
            w.add_entries(run, &[entry(1), entry(2)])?;
            w.ask(
                &NewInboxRow {
                    mapping: "m".into(),
                    qualifier: "default".into(),
                    source_id: "1".into(),
                    kind: InboxKind::Ambiguous,
                    title: "Ann".into(),
                    target_id: None,
                    detail: json!({"targets": ["1"]}),
                    reason: "two".into(),
                },
                Some(run),
                AT,
            )?;
            w.put_feed(&Feed {
                mapping: "m".into(),
                path: path.clone(),
                cursor: "{\"format\":1}".into(),
                attributes: "email".into(),
                updated: AT.into(),
            })?;
            w.put_unfinished_read(&UnfinishedRead {
                path,
                seen: 1,
                cursor: "100".into(),
                attributes: "email".into(),
                began_ms: 1,
            })?;
            w.add_audit(&AuditRow {
                at: AT.into(),
                who: "somebody".into(),
                topic: "configuration".into(),
                object: "m".into(),
                detail: "changed".into(),
            })?;
            w.replace_vault_keys(
                &["keyring", "root"].map(|kind| StoredKey {
                    version: 1,
                    kind: kind.into(),
                    wrapped: "d3JhcHBlZA==".into(),
                }),
                AT,
            )?;
            w.put_secret(&SealedSecret {
                owner: "connector/hub".into(),
                field: "accessToken".into(),
                revision: 1,
                sealed: vec![1, 2, 3],
                key: 1,
                updated: AT.into(),
            })?;
            w.set_setting("notifications", "off")
        })
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.checkpoint()).unwrap();
    let file = store.file().to_owned();
    drop(store);
    fs::read(file).unwrap()
}

/// Whatever is damaged: an answer or an error that says so. The input is a list of wounds: where (in 1/65536 of the file), how
/// long, and the bytes; a length of 0 cuts the file off there.
pub fn database(input: &[u8]) -> bool {
    let mut file = DATABASE.with(|file| file.get_or_init(database_file).clone());
    let mut rest = input;
    for _ in 0..16 {
        let [high, low, length, more @ ..] = rest else { break };
        let at = (usize::from(*high) << 8 | usize::from(*low)) * file.len() / 65_536;
        let (bytes, after) = more.split_at(usize::from(*length).min(more.len()));
        if *length == 0 {
            file.truncate(at);
        } else {
            for (place, byte) in file.iter_mut().skip(at).zip(bytes) {
                *place = *byte;
            }
        }
        rest = after;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("concord.db"), &file).unwrap();
    let Ok(store) = Store::open(folder.path()) else { return false };
    look(&store);
    true
}

/// Reads everything that there is.
fn look(store: &Store) {
    let user = ManagedObjectConfig::default_user();
    let query = ManagedQuery { sort: Some("sn".into()), limit: 1000, ..Default::default() };
    let _ = store.read_blocking(|r| r.managed_page(&user, &query));
    let _ = store.read_blocking(|r| r.managed("user", "1"));
    let _ = store.read_blocking(|r| r.mirrored("system/hub/contact", "1"));
    let _ = store.read_blocking(|r| Ok((r.connectors()?, r.known_schemas("hub")?)));
    let _ = store.read_blocking(|r| r.mappings());
    let _ = store.read_blocking(|r| Ok((r.schedules()?, r.soonest_schedule()?)));
    let _ = store.read_blocking(|r| r.audit(10));
    let _ = store.read_blocking(|r| r.history("user", "1", 10));
    let _ = store.read_blocking(|r| r.inbox(None, 0, 10));
    let _ = store.read_blocking(|r| r.queue(None, 10));
    let _ = store.read_blocking(|r| r.in_doubt("m"));
    let _ = store.read_blocking(|r| r.link_of_source(&links(), "1"));
    let _ = store.read_blocking(|r| Ok((r.vault_keys()?, r.secrets("connector/hub")?)));
    let _ = store.read_blocking(|r| r.feed("m", "system/hub/contact"));
    let _ = store.read_blocking(|r| r.unfinished_read("system/hub/contact"));
    let _ = store.read_blocking(|r| r.setting("notifications"));
    let runs = store.read_blocking(|r| Ok(r.runs(None, None, 10)?.rows));
    for run in runs.unwrap_or_default() {
        let _ = store.read_blocking(|r| r.entries(run.seq, &EntryFilter::default()));
        let _ = store.read_blocking(|r| Ok((r.entry_counts(run.seq)?, r.failure_causes(run.seq, 10)?)));
        let _ = store.read_blocking(|r| r.questions(run.seq, 0, 10));
    }
    let _ = store.write_blocking(|w| w.set_setting("a", "b"));
}
