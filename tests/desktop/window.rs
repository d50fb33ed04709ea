//! The window itself: what its page may do, and what people see when the application cannot start.

use std::fs;

use acceptance::webdriver::{Role, until};
use serde_json::json;

use crate::screen::{Screen, call};

#[tokio::test]
async fn the_page_keeps_to_its_policy() {
    let screen = Screen::start(&[]).await;
    let app = &screen.app;
    app.find(Role::Heading, "Dashboard").await;

    let frozen =
        app.run("return Object.isFrozen(Object.prototype) && !('__TAURI__' in window)", &[]).await.unwrap();
    assert_eq!(frozen, true);
    let evaluated = app
        .run(
            "return new Promise(done => {
                document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
                const script = document.createElement('script');
                script.textContent = 'window.injected = true';
                document.body.append(script);
                setTimeout(() => done('ran'), 5000);
            })",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(evaluated, "script-src-elem", "a script that is not ours must not run");

    // A link out of the UI leads nowhere.
    app.run("location.href = 'http://127.0.0.1:9/'", &[]).await.unwrap();
    app.run("window.open('http://127.0.0.1:9/')", &[]).await.unwrap();
    app.find(Role::Heading, "Dashboard").await;
    assert!(app.url().await.unwrap().starts_with("tauri://localhost"), "{}", app.url().await.unwrap());
    assert_eq!(app.windows().await.unwrap().len(), 1);

    // Text of every kind survives the way in and out.
    let words = "Ångström, Жук, שרה, 😀, \u{0}, \u{2028}";
    let refusal = call(app, "connector_get", json!({ "name": words })).await.unwrap_err();
    assert_eq!(refusal["code"], "notFound");
    assert!(refusal["message"].as_str().unwrap().contains("Ångström, Жук, שרה, 😀"), "{refusal}");
    screen.end().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_opened_is_explained() {
    let screen =
        Screen::start_over(&[], |data| fs::write(data.join("concord.db"), "this is no database").unwrap())
            .await;
    let app = &screen.app;
    app.find(Role::Heading, "Concord could not start").await;
    app.sees(&screen.data_dir().display().to_string()).await;
    screen.picture("cannot-start").await;
    let refused = call(app, "app_status", json!({})).await.unwrap_err();
    assert!(refused.to_string().contains("not allowed"), "{refused}");
}

#[tokio::test]
async fn the_end_is_orderly() {
    let screen = Screen::start(&[]).await;
    screen.app.find(Role::Heading, "Dashboard").await;
    // Closing the window ends the application, which may be gone before the driver has answered.
    screen.app.close_window().await.ok();
    until("last line of the log", async || screen.log().contains("ended code=0").then_some(())).await;
}

#[tokio::test]
async fn a_second_start_leaves_the_first_in_place() {
    let screen = Screen::start(&[]).await;
    screen.app.find(Role::Heading, "Dashboard").await;
    let second = screen.start_second(&[]).await;
    assert!(second.status.success(), "{second:?}");
    screen.app.find(Role::Heading, "Dashboard").await;
    assert_eq!(screen.app.windows().await.unwrap().len(), 1);
    screen.end().await.unwrap();
}

#[tokio::test]
async fn an_address_opens_its_screen_in_a_new_window_and_in_one_that_is_there() {
    let screen = Screen::start(&["--open", "/connectors"]).await;
    screen.app.find(Role::Heading, "Connectors").await;
    let second = screen.start_second(&["--open", "/audit"]).await;
    assert!(second.status.success(), "{second:?}");
    screen.app.find(Role::Heading, "Audit").await;
    // An address that is none says so and leads back.
    let third = screen.start_second(&["--open", "/nowhere/at/all"]).await;
    assert!(third.status.success(), "{third:?}");
    screen.app.find(Role::Heading, "Not here").await;
    assert_eq!(screen.app.windows().await.unwrap().len(), 1);
    screen.end().await.unwrap();
}

#[tokio::test]
async fn the_window_opens_as_large_as_it_was_left() {
    let mut screen = Screen::start(&[]).await;
    screen.app.find(Role::Heading, "Dashboard").await;
    let before = screen.app.place().await.unwrap();
    screen.app.resize(1130, 770).await.unwrap();
    let size = async |app: &acceptance::webdriver::Session| {
        let [_, _, width, height] = app.place().await.unwrap();
        [width, height]
    };
    until("the window's new size", async || {
        (size(&screen.app).await != [before[2], before[3]]).then_some(())
    })
    .await;
    let left = size(&screen.app).await;
    screen.start_again().await;
    screen.app.find(Role::Heading, "Dashboard").await;
    until("the size that was left", async || (size(&screen.app).await == left).then_some(())).await;
    screen.end().await.unwrap();
}
