use model::{Filter, ManagedObjectConfig};
use serde_json::json;
use std::time::Instant;
use store::*;
fn main() {
    let dir = std::path::Path::new("/tmp/w/m/million");
    std::fs::create_dir_all(dir).unwrap();
    let store = Store::open(dir).unwrap();
    let config = ManagedObjectConfig::default_user();
    let have = store.read_blocking(|r| r.managed_count("user")).unwrap();
    let t = Instant::now();
    for chunk in (have..1_000_000).step_by(10_000) {
        let config = config.clone();
        store.write_blocking(move |w| {
            for n in chunk..chunk + 10_000 {
                let h = n.wrapping_mul(0x9E3779B97F4A7C15);
                let first = format!("First{}", h % 2000);
                let last = format!("Last{}", (h >> 20) % 50000);
                let doc = json!({"userName": format!("user{h:016x}"), "givenName": first, "sn": last, "mail": format!("u{n}@example.org"), "accountStatus": if h % 10 < 9 {"active"} else {"inactive"}, "city": format!("City{}", h % 100), "telephoneNumber": "+1 555 0100"});
                w.insert_managed(&ManagedWrite { config: &config, id: &format!("id-{n:09}"), attributes: doc.as_object().unwrap(), hash: (n as u128).to_be_bytes() }, "2026")?;
            }
            Ok(())
        }).unwrap();
    }
    if have < 1_000_000 {
        println!("load {:?}, {:.0}/s", t.elapsed(), (1_000_000 - have) as f64 / t.elapsed().as_secs_f64());
    }
    for (filter, search, sort) in [
        (None, None, None),
        (None, None, Some("sn")),
        (None, None, Some("accountStatus")),
        (None, None, Some("-mail")),
        (Some("accountStatus eq \"active\""), None, Some("sn")),
        (Some("accountStatus eq \"inactive\""), None, Some("mail")),
        (Some("sn sw \"Last1\""), None, Some("userName")),
        (Some("sn sw \"Last1\" and givenName eq \"First7\""), None, Some("userName")),
        (Some("sn eq \"Last77\" or mail eq \"u5@example.org\""), None, Some("userName")),
        (Some("mail sw \"u\""), None, Some("sn")),
        (Some("mail gt \"u5\" and accountStatus eq \"inactive\""), None, None),
        (Some("!(accountStatus eq \"active\")"), None, Some("sn")),
        (Some("sn pr"), None, Some("sn")),
        (Some("mail co \"99999\""), None, Some("sn")),
        (Some("mail co \"nobody\""), None, Some("sn")),
        (Some("city eq \"City7\""), None, Some("sn")),
        (Some("city eq \"nowhere\""), None, Some("sn")),
        (None, Some("first1"), Some("sn")),
        (None, Some("u"), Some("sn")),
        (None, Some("first7 last"), Some("sn")),
        (None, Some("last77"), None),
        (None, Some("zzz"), None),
        (Some("accountStatus eq \"active\" and accountStatus eq \"inactive\""), None, Some("sn")),
        (Some("sn sw \"Last1\" and givenName sw \"First2\" and userName sw \"user00\""), None, Some("mail")),
    ] {
        let descending = sort.is_some_and(|s| s.starts_with('-'));
        let query = ManagedQuery {
            filter: filter.map(|f| Filter::parse(f).unwrap()),
            search: search.map(str::to_owned),
            sort: sort.map(|s| s.trim_start_matches('-').to_owned()),
            descending,
            after: None,
            limit: 100,
        };
        let mut line = String::new();
        for _ in 0..2 {
            let t = Instant::now();
            let page = store.read_blocking(|r| r.managed_page(&config, &query)).unwrap();
            let a = t.elapsed();
            let deep = ManagedQuery { after: page.next.clone(), ..query.clone() };
            let t = Instant::now();
            store.read_blocking(|r| r.managed_page(&config, &deep)).unwrap();
            let b = t.elapsed();
            let t = Instant::now();
            let n = store.read_blocking(|r| r.managed_matching(&config, &query)).unwrap();
            line = format!(
                "page {:4} ms  next {:4} ms  count {:5} ms  n={n} rows={}",
                a.as_millis(),
                b.as_millis(),
                t.elapsed().as_millis(),
                page.rows.len()
            );
        }
        println!("{line}   {filter:?} {search:?} {sort:?}");
    }
}
