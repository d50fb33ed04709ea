//! What people and runs do before a property is looked at, drawn from a seed.

use engine::ManagedChange;
use model::Attributes;
use serde_json::{Value, json};
use store::{RunMode, RunState};

use crate::{
    dice::Dice,
    house::{House, INBOUND, OUTBOUND, SALES_INBOUND, SALES_OUTBOUND, SECRET},
    system::{Manner, Records},
};

const NAMES: [&str; 6] = ["Ann", "Bo", "Cy", "Dee", "Éva", "Fay"];
const PHONES: [&str; 4] = ["+1 555 0101", "+1 555 0102", "+1 555 0103", ""];

/// The mappings of a world: a pair that shares its links, with policies and conflict rules by chance.
pub fn mappings(dice: &mut Dice) -> Vec<Value> {
    pair(dice, "system/crm/contact", INBOUND, OUTBOUND)
}

fn pair(dice: &mut Dice, system: &str, inbound_name: &str, outbound_name: &str) -> Vec<Value> {
    let policies = |dice: &mut Dice, choices: &[(&str, &[&str])]| -> Value {
        let mut all = vec![json!({"situation": "UNASSIGNED", "action": "IGNORE"})];
        for (situation, actions) in choices {
            let action = *dice.one_of(actions);
            if !action.is_empty() {
                all.push(json!({"situation": situation, "action": action}));
            }
        }
        Value::from(all)
    };
    let gone: &[&str] = &["", "DELETE", "UNLINK", "IGNORE"];
    // Not UNLINK for MISSING: it asks the next run to make the target again.
    let choices: &[(&str, &[&str])] = &[
        ("SOURCE_MISSING", gone),
        ("MISSING", &["", "CREATE", "UPDATE"]),
        ("FOUND_ALREADY_LINKED", &["", "UPDATE"]),
        ("ALL_GONE", &["", "UNLINK"]),
    ];
    let rule = *dice.one_of(&["source", "source", "target", "sourceUnlessBlank"]);
    let (threads, together) = (dice.below(4), 1 + dice.below(5));
    let inbound = json!({
        "name": inbound_name, "source": system, "target": "managed/user",
        "sourceCondition": "/source/email pr",
        "correlationQuery": {"expressionTree": {"any": ["mail"]}},
        "allowEmptySourceSet": true,
        "conflictRule": rule,
        "taskThreads": threads, "reconSourceQueryPageSize": together, "reconTargetQueryPageSize": together,
        "properties": [
            {"source": "email", "target": "userName", "transform": {"builtIn": "lower"}, "setOn": "create"},
            {"source": "email", "target": "mail", "transform": {"builtIn": "lower"}},
            {"source": "firstname", "target": "givenName", "default": "-"},
            {"source": "lastname", "target": "sn", "default": "-"},
            {"source": "phone", "target": "telephoneNumber", "whenEmpty": dice.one_of(&["leave", "clear"])}
        ],
        "policies": policies(dice, choices)
    });
    let outbound = json!({
        "name": outbound_name, "source": "managed/user", "target": system, "links": inbound_name,
        "correlationQuery": {"expressionTree": {"any": ["email"]}},
        "allowEmptySourceSet": true,
        "conflictRule": rule,
        "taskThreads": threads, "reconSourceQueryPageSize": together, "reconTargetQueryPageSize": together,
        "properties": [
            {"source": "mail", "target": "email"},
            {"source": "givenName", "target": "firstname"},
            {"source": "sn", "target": "lastname"},
            {"source": "telephoneNumber", "target": "phone", "whenEmpty": dice.one_of(&["leave", "clear"])}
        ],
        "policies": policies(dice, choices)
    });
    vec![inbound, outbound]
}

fn email(dice: &mut Dice) -> Value {
    let number = dice.below(14);
    match dice.below(8) {
        0 => Value::Null,
        1 => json!(format!("P{number}@Example.org")),
        _ => json!(format!("p{number}@example.org")),
    }
}

fn contact(dice: &mut Dice) -> Attributes {
    attributes(json!({
        "email": email(dice), "firstname": dice.one_of(&NAMES), "lastname": dice.one_of(&NAMES),
        "phone": dice.one_of(&PHONES)
    }))
}

fn attributes(value: Value) -> Attributes {
    value.as_object().unwrap().clone()
}

fn some_contact(house: &House, dice: &mut Dice) -> Option<String> {
    let records = house.records.lock().unwrap();
    let ids: Vec<&String> = records.kept.keys().collect();
    (!ids.is_empty()).then(|| (*dice.one_of(&ids)).clone())
}

async fn save(house: &House, id: Option<String>, attributes: Attributes) {
    let change = ManagedChange { kind: "user".into(), id, rev: None, attributes, who: "somebody".into() };
    // What the policies refuse, or what has gone, stays as it is.
    let _ = house.process.engine.save_managed(change).await;
}

/// Somebody changes something on one of the two sides.
pub async fn edit(house: &House, dice: &mut Dice) {
    let number = dice.below(1000);
    match dice.below(14) {
        0..3 => {
            let record = contact(dice);
            house.records.lock().unwrap().add(record);
        }
        choice @ 3..7 => {
            let Some(id) = some_contact(house, dice) else { return };
            let change = match choice {
                3 => json!({"firstname": format!("F{number}")}),
                4 => json!({"lastname": format!("L{number}"), "phone": null}),
                5 => json!({"phone": dice.one_of(&PHONES)}),
                _ => json!({"email": email(dice)}),
            };
            house.records.lock().unwrap().change(&id, &attributes(change));
        }
        7 => {
            let (Some(id), Some(other)) = (some_contact(house, dice), some_contact(house, dice)) else {
                return;
            };
            let mut records = house.records.lock().unwrap();
            if id != other && dice.percent(40) {
                records.merge(&id, &other);
            } else {
                records.remove(&id);
            }
        }
        8..10 => {
            let mail = format!("p{}@example.org", dice.below(14));
            let user = json!({"userName": format!("u{number}"), "mail": mail, "givenName": dice.one_of(&NAMES),
                "sn": dice.one_of(&NAMES)});
            save(house, None, attributes(user)).await;
        }
        choice => {
            let users = house.users().await;
            if users.is_empty() {
                return;
            }
            let id = dice.one_of(&users).0.clone();
            let change = match choice {
                10 => json!({"givenName": format!("G{number}")}),
                11 => json!({"sn": format!("S{number}"), "telephoneNumber": dice.one_of(&PHONES[..3])}),
                12 if dice.percent(50) => json!({"mail": format!("p{}@example.org", dice.below(14))}),
                12 => json!({"telephoneNumber": null}),
                _ => {
                    let _ = house.process.engine.delete_managed("user", &id, None, "somebody").await;
                    return;
                }
            };
            save(house, Some(id), attributes(change)).await;
        }
    }
}

pub async fn edits(house: &House, dice: &mut Dice, most: usize) {
    for _ in 0..dice.below(most + 1) {
        edit(house, dice).await;
    }
}

/// A house with a past: records on both sides, some of them linked, some changed since. In half of the histories the CRM
/// keeps addresses unique; `faults` is how many of its answers in a hundred go wrong in that past.
pub async fn past(dice: &mut Dice, faults: u64) -> House {
    let unique = dice.percent(50);
    let mappings = mappings(dice);
    let manner = Manner { faults, ..Manner::good(dice.number()) };
    let mut house = House::build([unique, false], manner, mappings).await;
    let crowd = dice.below(16);
    for _ in 0..crowd {
        let record = contact(dice);
        house.records.lock().unwrap().add(record);
    }
    for _ in 0..dice.below(4) {
        match dice.below(5) {
            0 | 1 => drop(house.run(INBOUND, RunMode::Reconcile, dice.percent(30)).await),
            2 | 3 => drop(house.run(OUTBOUND, RunMode::Reconcile, dice.percent(30)).await),
            _ => drop(house.process.engine.deliver_due().await.unwrap()),
        }
        edits(&house, dice, 6).await;
    }
    house.restart(Manner::good(dice.number()));
    house
}

/// Runs a mapping until it has nothing to do any more.
pub async fn to_rest(house: &House, mapping: &str) {
    for _ in 0..6 {
        let run = house.run(mapping, RunMode::Reconcile, false).await;
        let p = &run.progress;
        if run.state == RunState::Success && p.created + p.updated + p.deleted + p.unlinked + p.linked == 0 {
            return;
        }
    }
    panic!("{mapping} does not come to rest");
}

/// What is done next in a world of two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Run(&'static str),
    Deliver,
}

pub const ALL: [&str; 4] = [INBOUND, OUTBOUND, SALES_INBOUND, SALES_OUTBOUND];
const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

pub fn some_move(dice: &mut Dice) -> Move {
    if dice.percent(25) { Move::Deliver } else { Move::Run(dice.one_of::<&'static str>(&ALL)) }
}

/// Clocks are set: by hours, into the future, and back by years.
pub fn some_jump(dice: &mut Dice) -> i64 {
    *dice.one_of(&[0, 0, 0, HOUR, -HOUR, 30 * HOUR, -30 * HOUR, 5 * YEAR, -10 * YEAR])
}

/// A house between two systems, whose users have PINs: people on all sides, and two pairs of mappings.
pub async fn past_of_two(dice: &mut Dice) -> House {
    let unique = [dice.percent(70), dice.percent(30)];
    let mut all = mappings(dice);
    all.extend(pair(dice, "system/sales/contact", SALES_INBOUND, SALES_OUTBOUND));
    let mut house = House::build(unique, Manner::good(dice.number()), all).await.with_pins().await;
    for _ in 0..dice.below(9) {
        let record = contact(dice);
        house.records.lock().unwrap().add(record);
    }
    for _ in 0..dice.below(6) {
        let record = contact(dice);
        house.sales.lock().unwrap().add(record);
    }
    for _ in 0..dice.below(5) {
        make(&house, some_move(dice)).await;
        edits_of_two(&house, dice, 4).await;
    }
    house.restart(Manner::good(dice.number()));
    house
}

/// Somebody changes something on one of the three sides.
pub async fn edits_of_two(house: &House, dice: &mut Dice, most: usize) {
    for _ in 0..dice.below(most + 1) {
        match dice.below(5) {
            0 => edit_sales(&mut house.sales.lock().unwrap(), dice),
            1 => {
                let number = dice.below(1000);
                let Some((id, _)) = house.users().await.into_iter().next() else { continue };
                save(house, Some(id), attributes(json!({"pin": format!("{SECRET}{number}")}))).await;
            }
            _ => edit(house, dice).await,
        }
    }
}

fn edit_sales(records: &mut Records, dice: &mut Dice) {
    let ids: Vec<String> = records.kept.keys().cloned().collect();
    let number = dice.below(1000);
    if ids.is_empty() || dice.percent(30) {
        records.add(contact(dice));
        return;
    }
    let id: &String = dice.one_of(&ids);
    let change = match dice.below(4) {
        0 => {
            records.remove(id);
            return;
        }
        1 => json!({"phone": dice.one_of(&PHONES)}),
        2 => json!({"email": email(dice)}),
        _ => json!({"lastname": format!("M{number}")}),
    };
    records.change(id, &attributes(change));
}

async fn make(house: &House, next: Move) {
    match next {
        Move::Run(mapping) => drop(house.run(mapping, RunMode::Reconcile, false).await),
        Move::Deliver => drop(house.process.engine.deliver_due().await.unwrap()),
    }
}

/// A move until it has nothing to do any more. What failed in a delivery is due again after hours.
pub async fn made(house: &House, next: Move) {
    match next {
        Move::Run(mapping) => to_rest(house, mapping).await,
        Move::Deliver => {
            for _ in 0..40 {
                house.process.engine.deliver_due().await.unwrap();
                if house.waiting().await == 0 {
                    return;
                }
                house.jump(5 * HOUR);
            }
            panic!("the delivery does not come to rest");
        }
    }
}
