//! A write is all or nothing: after errors, panics and a full disk, the repository stands as before and goes on.
#![allow(clippy::unwrap_used, reason = "a failed expectation in a helper is a failed test")]

mod common;

use common::{fresh, hash, object, page};
use serde_json::json;
use store::{ErrorKind, Store, StoreError};

fn setting(store: &Store, name: &str) -> Option<String> {
    let name = name.to_owned();
    store.read_blocking(move |r| r.setting(&name)).unwrap()
}

#[test]
fn a_closure_that_fails_leaves_nothing() {
    let (_folder, store) = fresh();
    let error = store
        .write_blocking(|w| {
            w.set_setting("half", "done")?;
            Err::<(), _>(StoreError::new(ErrorKind::Stale, "changed my mind"))
        })
        .unwrap_err();
    assert_eq!((error.kind, error.to_string().as_str()), (ErrorKind::Stale, "changed my mind"));
    assert_eq!(setting(&store, "half"), None);
}

#[test]
fn a_panic_costs_its_transaction_alone() {
    let (_folder, store) = fresh();
    for (work, words) in [(0, "index out of bounds"), (1, "plain words"), (2, "no reason given")] {
        let error = store
            .write_blocking(move |w| {
                w.set_setting("half", "done")?;
                match work {
                    0 => panic!("{}", format!("index out of bounds: {work}")),
                    1 => panic!("plain words"),
                    _ => std::panic::panic_any(work),
                }
                #[allow(unreachable_code)]
                Ok(())
            })
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Other);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(setting(&store, "half"), None);
        store.write_blocking(|w| w.set_setting("after", "alive")).unwrap();
        assert_eq!(setting(&store, "after").as_deref(), Some("alive"));
    }
}

#[tokio::test]
async fn the_async_ways_do_the_same() {
    let (_folder, store) = fresh();
    assert!(store.write(|_| -> Result<(), StoreError> { panic!("boom") }).await.is_err());
    store.write(|w| w.set_setting("a", "1")).await.unwrap();
    let error = store.read(|_| -> Result<(), StoreError> { panic!("boom") }).await.unwrap_err();
    assert!(error.to_string().contains("ended early"), "{error}");
    assert_eq!(store.read(|r| r.setting("a")).await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_done_all_the_same() {
    let (_folder, store) = fresh();
    let waiting = store.write(|w| w.set_setting("a", "1"));
    let mut waiting = Box::pin(waiting);
    // One poll hands the work over; then the caller goes away.
    let _ = futures_poll_once(&mut waiting).await;
    drop(waiting);
    store.write(|_| Ok(())).await.unwrap();
    assert_eq!(setting(&store, "a").as_deref(), Some("1"));
}

async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    use std::{pin::Pin, task::Poll};
    std::future::poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[test]
fn a_reader_sees_one_state_from_its_first_look_to_its_end() {
    let (_folder, store) = fresh();
    store.write_blocking(|w| w.set_setting("a", "old")).unwrap();
    store
        .read_blocking(|r| {
            assert_eq!(r.setting("a")?.as_deref(), Some("old"));
            store.write_blocking(|w| w.set_setting("a", "new"))?;
            assert_eq!(r.setting("a")?.as_deref(), Some("old"));
            Ok(())
        })
        .unwrap();
    assert_eq!(setting(&store, "a").as_deref(), Some("new"));
}

#[test]
fn readers_may_be_many_and_nested() {
    let (_folder, store) = fresh();
    store.write_blocking(|w| w.set_setting("a", "1")).unwrap();
    fn deep(store: &Store, left: u32) -> Option<String> {
        store.read_blocking(|r| if left == 0 { r.setting("a") } else { Ok(deep(store, left - 1)) }).unwrap()
    }
    assert_eq!(deep(&store, 10).as_deref(), Some("1"));
}

#[test]
fn a_full_disk_keeps_what_was_there_and_goes_on_when_there_is_space() {
    let (_folder, store) = fresh();
    let fill = |read: i64| {
        let rows = (0..2000)
            .map(|n| (format!("{read}-{n}"), hash(n), object(json!({"email": "x".repeat(500)}))))
            .collect();
        let page = page("system/hub/contact", read, rows);
        store.write_blocking(move |w| {
            w.set_setting("last", &page.read.to_string())?;
            w.mirror_page(&page, "now")
        })
    };
    fill(1).unwrap();
    // SQLite takes the present size for any smaller limit.
    store.limit_pages(1).unwrap();
    let error = fill(2).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Full, "{error}");
    assert!(error.to_string().contains("Free some space"), "{error}");
    assert_eq!(setting(&store, "last").as_deref(), Some("1"));
    assert_eq!(store.read_blocking(|r| r.mirror_count("system/hub/contact")).unwrap(), 2000);
    store.limit_pages(1_000_000).unwrap();
    assert_eq!(fill(2).unwrap(), 2000);
    assert_eq!(setting(&store, "last").as_deref(), Some("2"));
}
