//! The window itself: what its page may do, and what people see when the application cannot start.

use std::fs;

use acceptance::webdriver::{Role, Session, until};
use serde_json::json;

use crate::screen::{Screen, Setup, call};

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
    let screen = Screen::set_up(Setup {
        prepare: |data| fs::write(data.join("concord.db"), "this is no database").unwrap(),
        ..Setup::default()
    })
    .await;
    let app = &screen.app;
    // The main window may have been there for a moment; the one that says why stands in its place.
    until("window that explains", async || {
        let [window] = <[String; 1]>::try_from(app.windows().await.ok()?).ok()?;
        app.look_at(&window).await.ok()?;
        app.url().await.ok()?.starts_with("problem:").then_some(())
    })
    .await;
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
async fn closing_the_window_ends_it_whether_its_page_answers_or_not() {
    // The driver itself says that the page may be left, so what a person is asked is not seen here.
    let unsaved = "addEventListener('beforeunload', event => event.preventDefault())";
    let hangs = "addEventListener('beforeunload', () => { for (;;); })";
    for scripts in [&[][..], &[unsaved], &[unsaved, hangs]] {
        let screen = Screen::set_up(Setup { managed: true, ..Setup::default() }).await;
        screen.app.find(Role::Heading, "Dashboard").await;
        for script in scripts {
            screen.app.run(script, &[]).await.unwrap();
        }
        screen.close();
        until("last line of the log", async || screen.log().contains("ended code=0").then_some(())).await;
    }
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
    let size = async |app: &Session| {
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

/// Waits until a window stands still, and says where.
async fn place_of(app: &Session) -> [i64; 4] {
    let mut last = [0; 4];
    until("window that stands still", async || {
        let now = app.place().await.ok()?;
        let still = now == last && now[2] > 0;
        last = now;
        still.then_some(now)
    })
    .await
}

#[tokio::test]
async fn the_window_opens_where_it_was_left_however_often() {
    let mut screen = Screen::set_up(Setup { managed: true, ..Setup::default() }).await;
    screen.app.find(Role::Heading, "Dashboard").await;
    let before = place_of(&screen.app).await;
    screen.app.put([63, 91, 1130, 770]).await.unwrap();
    until("window's new place", async || (screen.app.place().await.ok()? != before).then_some(())).await;
    let left = place_of(&screen.app).await;
    for _ in 0..2 {
        screen.start_again().await;
        screen.app.find(Role::Heading, "Dashboard").await;
        assert_eq!(place_of(&screen.app).await, left);
    }
    screen.end().await.unwrap();
}

#[tokio::test]
async fn a_maximized_window_opens_maximized_and_remembers_its_size() {
    let mut screen = Screen::set_up(Setup { managed: true, ..Setup::default() }).await;
    screen.app.find(Role::Heading, "Dashboard").await;
    screen.app.put([63, 91, 1130, 770]).await.unwrap();
    place_of(&screen.app).await;
    screen.app.maximize().await.unwrap();
    until("window that fills the screen", async || (screen.app.place().await.ok()?[2] == 1400).then_some(()))
        .await;
    let filled = place_of(&screen.app).await;
    screen.start_again().await;
    screen.app.find(Role::Heading, "Dashboard").await;
    assert_eq!(place_of(&screen.app).await, filled);
    screen.end().await.unwrap();
    let kept = fs::read_to_string(screen.data_dir().join("window.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["maximized"], true, "{kept}");
    assert_eq!(
        [&kept["width"], &kept["height"]],
        [&json!(1130.0), &json!(770.0)],
        "where it goes back to: {kept}"
    );
}

#[tokio::test]
async fn a_window_of_a_screen_that_is_gone_opens_on_one_that_is_there() {
    const ELSEWHERE: &str = r#"{ "x": 5000, "y": 4000, "width": 1100, "height": 700, "maximized": false }"#;
    let screen = Screen::set_up(Setup {
        prepare: |data| fs::write(data.join("window.json"), ELSEWHERE).unwrap(),
        managed: true,
        ..Setup::default()
    })
    .await;
    screen.app.find(Role::Heading, "Dashboard").await;
    let [x, y, width, height] = place_of(&screen.app).await;
    assert!(x >= 0 && y >= 0 && x + width <= 1400 && y + height <= 1000, "{x} {y} {width} {height}");
    assert_eq!([width, height], [1100, 700], "it keeps its size");
    screen.end().await.unwrap();
}
