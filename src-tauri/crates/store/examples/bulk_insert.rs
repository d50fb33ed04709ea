//! The floor of a first load, for `cargo xtask bench`: `bulk_insert RECORDS FOLDER` puts as many objects with their links into
//! an empty file as SQLite can, and prints what that cost as one line of JSON. No history, no mirror, no run.

#![allow(missing_docs, clippy::print_stdout)]

#[path = "measure/cost.rs"]
mod cost;
#[path = "measure/made_up.rs"]
mod made_up;

use std::{error::Error, path::Path};

use cost::Cost;
use made_up::{address, family};
use rusqlite::{Connection, params};

/// Rows per transaction.
const BATCH: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [records, folder] = arguments.as_slice() else { return Err("bulk_insert RECORDS FOLDER".into()) };
    let records: u64 = records.parse()?;
    let mut connection = Connection::open(Path::new(folder).join("floor.db"))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
         CREATE TABLE object (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, mail TEXT NOT NULL, doc TEXT NOT NULL);
         CREATE INDEX object_mail ON object (mail);
         CREATE TABLE link (first TEXT NOT NULL UNIQUE, second TEXT NOT NULL UNIQUE, hash BLOB NOT NULL);",
    )?;
    let cost = Cost::from_now();
    for from in (0..records).step_by(BATCH as usize) {
        let tx = connection.transaction()?;
        {
            let mut object = tx.prepare_cached("INSERT INTO object (id, mail, doc) VALUES (?1, ?2, ?3)")?;
            let mut link = tx.prepare_cached("INSERT INTO link (first, second, hash) VALUES (?1, ?2, ?3)")?;
            for n in from..records.min(from + BATCH) {
                let (id, first) =
                    (format!("01990000-0000-7000-8000-{n:012}"), format!("{}", 100_000_000 + n));
                let (mail, family) = (address(n), family(n));
                let doc = format!(
                    r#"{{"accountStatus":"active","userName":"{mail}","mail":"{mail}","givenName":"Ann","sn":"{family}","telephoneNumber":"+1 555 {n:07}"}}"#
                );
                object.execute(params![id, mail, doc])?;
                link.execute(params![first, id, n.to_be_bytes()])?;
            }
        }
        tx.commit()?;
    }
    println!("{}", cost.line("bulk insert", records, 0, records));
    Ok(())
}
