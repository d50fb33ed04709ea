//! Serving from the window: on, off, over to another port, and on again after a restart.

use std::sync::Arc;

use api::{App, ErrorCode, dto::ServingWanted};
use reqwest::Client;
use server::{ADMINISTRATOR, Switch};

use crate::house::open;

fn wanted(on: bool, port: u16, self_service: bool) -> ServingWanted {
    ServingWanted { on, port, self_service }
}

/// A port that nobody listens on now.
async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

/// The status of a request; none where nobody answers.
async fn status(url: &str, password: &str) -> Option<u16> {
    let client = Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).basic_auth(ADMINISTRATOR, Some(password)).send().await.ok()?;
    Some(answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_switched_on_and_off_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let app: Arc<App> = open(&folder).await;
    let (switch, port) = (Switch::default(), free_port().await);
    let before = switch.state(&app).await.unwrap();
    assert_eq!((before.addresses, before.port, before.password), (None, 8080, None));
    switch.start_again(&app).await;
    assert_eq!(switch.state(&app).await.unwrap().addresses, None, "never switched on");

    let on = switch.set(&app, wanted(true, port, false)).await.unwrap();
    let (addresses, password) = (on.addresses.unwrap(), on.password.expect("the first time"));
    assert_eq!(addresses.rest, format!("http://127.0.0.1:{port}/openidm"));
    let ping = format!("{}/info/ping", addresses.rest);
    assert_eq!(status(&ping, &password).await, Some(200));
    let state = switch.state(&app).await.unwrap();
    assert!(state.addresses.is_some() && state.password.is_none(), "it is shown once: {state:?}");

    let with_pages = switch.set(&app, wanted(true, port, true)).await.unwrap();
    let pages = with_pages.addresses.unwrap().self_service.unwrap();
    assert_eq!(status(&format!("{pages}/sign-in"), "").await, Some(200));
    assert_eq!(with_pages.password, None);

    let renewed = switch.renew_password(&app).await.unwrap().password.unwrap();
    assert_eq!((status(&ping, &renewed).await, status(&ping, &password).await), (Some(200), Some(401)));

    // The application is closed and started again.
    switch.stop().await;
    assert_eq!(status(&ping, &renewed).await, None);
    let switch = Switch::default();
    switch.start_again(&app).await;
    assert_eq!(status(&ping, &renewed).await, Some(200));

    let off = switch.set(&app, wanted(false, port, true)).await.unwrap();
    assert_eq!(off.addresses, None);
    assert_eq!(status(&ping, &renewed).await, None);
    let switch = Switch::default();
    switch.start_again(&app).await;
    assert_eq!(switch.state(&app).await.unwrap().addresses, None, "off stays off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named_and_what_hinders_a_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let app: Arc<App> = open(&folder).await;
    let switch = Switch::default();
    let taken = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = switch.set(&app, wanted(true, port, false)).await.unwrap_err();
    assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Conflict, Some("port")));
    assert!(refused.message.contains(&port.to_string()), "{refused}");
    assert!(switch.set(&app, wanted(true, 0, false)).await.is_err());

    let free = free_port().await;
    switch.set(&app, wanted(true, free, false)).await.unwrap();
    switch.stop().await;
    let _taken = tokio::net::TcpListener::bind(("127.0.0.1", free)).await.unwrap();
    let switch = Switch::default();
    switch.start_again(&app).await;
    let state = switch.state(&app).await.unwrap();
    assert!(state.addresses.is_none() && state.problem.unwrap().contains("choose another port"));
}
