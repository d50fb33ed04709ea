//! The list of users at size, for `cargo xtask bench --users`: `people RECORDS FOLDER` fills a repository with made-up users
//! and prints how long each page of their list takes, one line of JSON each. The last line names the slowest.
//!
//! A page is what the screen asks for: 200 rows and how many match, of those that match counted up to 10,000.

#![allow(missing_docs, clippy::print_stdout)]

#[allow(dead_code, reason = "others use more of it")]
#[path = "measure/made_up.rs"]
mod made_up;

use std::{error::Error, path::Path, time::Instant};

use made_up::scattered;
use model::{Attributes, Filter, ManagedObjectConfig};
use serde_json::json;
use store::{ManagedQuery, ManagedWrite, Store};

/// Users per transaction.
const BATCH: u64 = 10_000;
/// Rows of a page.
const PAGE: usize = 200;
/// Beyond, matches are not counted.
const COUNTED: usize = 10_000;
/// Each page is asked for so often; the fastest counts, because the others tell what else the machine did.
const TIMES: usize = 5;

const GIVEN: [&str; 16] = [
    "Ann", "Bo", "Chiara", "Dmitri", "Elif", "Farah", "Gustav", "Hana", "Ines", "José", "Kwame", "Léa",
    "Mehmet", "Noor", "Oskar", "Priya",
];
const FAMILY: [&str; 13] = [
    "Lee",
    "Ek",
    "Rossi",
    "Ivanov",
    "Haddad",
    "Lindqvist",
    "Suzuki",
    "Oliveira",
    "Mensah",
    "Dubois",
    "Kaya",
    "Nilsson",
    "Raman",
];
const CITIES: [&str; 8] = ["Oslo", "Lisbon", "Graz", "Turin", "Izmir", "Accra", "Osaka", "Porto"];

fn of<'a>(list: &[&'a str], n: u64) -> &'a str {
    list.get(usize::try_from(n % list.len() as u64).unwrap_or_default()).copied().unwrap_or_default()
}

fn person(n: u64) -> Attributes {
    let dice = scattered(n);
    let (given, family) = (of(&GIVEN, dice), format!("{} {}", of(&FAMILY, dice >> 8), n % 997));
    let user = format!("{}.{n}", given.to_lowercase());
    let mut attributes = match json!({
        "userName": user, "givenName": given, "sn": family, "mail": format!("{user}@example.org"),
        "accountStatus": if dice.is_multiple_of(20) { "inactive" } else { "active" },
        "city": of(&CITIES, dice >> 16), "telephoneNumber": format!("+47 {:08}", dice % 100_000_000),
    }) {
        serde_json::Value::Object(attributes) => attributes,
        _ => Attributes::new(),
    };
    if n.is_multiple_of(1000) {
        attributes.insert("description".into(), json!(format!("one in a thousand, number {n}")));
    }
    attributes
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [records, folder] = arguments.as_slice() else { return Err("people RECORDS FOLDER".into()) };
    let records: u64 = records.parse()?;
    let store = Store::open(Path::new(folder))?;
    let config = ManagedObjectConfig::default_user();
    fill(&store, &config, records)?;
    let mut slowest: (f64, String) = (0.0, String::new());
    for (name, query) in pages(&store, &config, records)? {
        let mut seconds = Vec::with_capacity(TIMES);
        let mut cpu = f64::INFINITY;
        let (mut rows, mut total) = (0, 0);
        for _ in 0..TIMES {
            // The one clock of a measurement.
            #[allow(clippy::disallowed_methods)]
            let began = Instant::now();
            let busy = cpu_ms();
            (rows, total) = store.read_blocking(|r| {
                let glance = r.managed_glance(&config, &query, COUNTED)?;
                Ok((glance.page.rows.len(), glance.total))
            })?;
            seconds.push(began.elapsed().as_secs_f64());
            cpu = cpu.min(cpu_ms() - busy);
        }
        let fastest = seconds.into_iter().reduce(f64::min).unwrap_or_default() * 1000.0;
        let (ms, cpu) = ((fastest * 100.0).round() / 100.0, (cpu * 100.0).round() / 100.0);
        println!("{}", json!({"page": name, "ms": ms, "cpu": cpu, "rows": rows, "total": total}));
        if fastest > slowest.0 {
            slowest = (fastest, name);
        }
    }
    println!("{}", json!({"slowest": slowest.1, "ms": slowest.0, "records": records}));
    Ok(())
}

/// What this thread has computed so far, where the system tells: on a machine that does other things besides, the clock says
/// more about these.
fn cpu_ms() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e6
}

fn fill(store: &Store, config: &ManagedObjectConfig, records: u64) -> Result<(), Box<dyn Error>> {
    let there = store.read_blocking(|r| r.managed_count(&config.name))?;
    for from in (there..records).step_by(usize::try_from(BATCH)?) {
        let config = config.clone();
        store.write_blocking(move |w| {
            for n in from..records.min(from + BATCH) {
                let attributes = person(n);
                // Ids of users are in the order in which they were made.
                let id = format!("01990000-0000-7000-8000-{n:012}");
                let object =
                    ManagedWrite { config: &config, id: &id, attributes: &attributes, hash: [0; 16] };
                w.insert_managed(&object, "2026-11-21T00:00:00.000Z")?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Every kind of page: each order, first and in the middle; each kind of filter and search, in several orders.
fn pages(
    store: &Store,
    config: &ManagedObjectConfig,
    records: u64,
) -> Result<Vec<(String, ManagedQuery)>, Box<dyn Error>> {
    let middle = records / 2;
    let sortable = store.read_blocking(|r| r.managed_sortable(config))?;
    let mut orders: Vec<(String, Option<String>, bool)> = vec![(String::new(), None, false)];
    for name in &sortable {
        orders.push((format!(" by {name}"), Some(name.clone()), false));
        orders.push((format!(" by {name} down"), Some(name.clone()), true));
    }
    let filters = [
        format!(
            "userName eq \"{}\"",
            person(middle).get("userName").and_then(|v| v.as_str()).unwrap_or_default()
        ),
        "mail sw \"ann.12\"".to_owned(),
        "givenName eq \"Ann\"".to_owned(),
        "givenName eq \"Ann\" and sn sw \"Lee\"".to_owned(),
        "givenName eq \"Ann\" and accountStatus eq \"inactive\"".to_owned(),
        "givenName eq \"Bo\" or sn eq \"Ek 5\"".to_owned(),
        "accountStatus eq \"inactive\"".to_owned(),
        "!(accountStatus eq \"active\")".to_owned(),
        "sn gt \"R\"".to_owned(),
        "sn pr".to_owned(),
        "!(sn pr)".to_owned(),
        "mail co \"ann.5\"".to_owned(),
        format!("mail co \"{middle}@\""),
        "mail co \"nobody\"".to_owned(),
        "city eq \"Oslo\"".to_owned(),
        "city eq \"Nowhere\"".to_owned(),
        "description pr".to_owned(),
        "telephoneNumber co \"4711\"".to_owned(),
    ];
    let mut pages = Vec::new();
    for (words, sort, descending) in orders {
        let blank = ManagedQuery { sort, descending, limit: PAGE, ..ManagedQuery::default() };
        pages.push((format!("first page{words}"), blank.clone()));
        let before = ManagedQuery { limit: 1, ..blank.clone() };
        let near = store.read_blocking(|r| {
            let filter = Filter::parse("sn gt \"K\"").ok();
            r.managed_page(config, &ManagedQuery { filter, ..before })
        })?;
        pages.push((format!("a later page{words}"), ManagedQuery { after: near.next, ..blank.clone() }));
        for search in ["a", "ann lee", "ann.5", "zzz"] {
            pages.push((
                format!("search {search:?}{words}"),
                ManagedQuery { search: Some(search.into()), ..blank.clone() },
            ));
        }
        for filter in &filters {
            let query = ManagedQuery { filter: Some(Filter::parse(filter)?), ..blank.clone() };
            pages.push((format!("{filter}{words}"), query));
        }
    }
    Ok(pages)
}
