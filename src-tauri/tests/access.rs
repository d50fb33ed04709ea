//! Who may call what: the capability files that are built in, over a runtime without a display.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use api::{App, AppOptions};
use serde_json::{Value, json};
use tauri::{
    WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    ipc::{CallbackFn, InvokeBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};

include!("../command_names.rs");

const APP_PAGE: &str = "tauri://localhost/";

struct Shell {
    application: tauri::App<MockRuntime>,
    _data: tempfile::TempDir,
}

impl Shell {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let application = concord_desktop::shell(mock_builder()).build(concord_desktop::context()).unwrap();
        let options = AppOptions {
            data_dir: data.path().to_owned(),
            passphrase: Some("a passphrase for tests".to_owned()),
        };
        let app: Arc<App> = tauri::async_runtime::block_on(App::open(options)).unwrap();
        concord_desktop::prepare(application.handle(), data.path());
        concord_desktop::serve(application.handle(), app);
        Self { application, _data: data }
    }

    fn window(&self, label: &str) -> WebviewWindow<MockRuntime> {
        WebviewWindowBuilder::new(&self.application, label, WebviewUrl::default()).build().unwrap()
    }
}

/// What the window's page gets for a call: the answer, or the refusal as text.
fn call(
    window: &WebviewWindow<MockRuntime>,
    page: &str,
    command: &str,
    arguments: Value,
) -> Result<Value, String> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: page.parse().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: tauri::http::HeaderMap::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request)
        .map(|answer| answer.deserialize::<Value>().unwrap())
        .map_err(|refusal| refusal.as_str().map_or_else(|| refusal.to_string(), str::to_owned))
}

/// The call reached its command, which then found no request in it.
fn got_through(answer: &Result<Value, String>, command: &str) -> bool {
    answer
        .as_ref()
        .is_err_and(|refusal| refusal.starts_with(&format!("invalid args `request` for command `{command}`")))
}

#[test]
fn the_main_window_may_call_every_command() {
    let shell = Shell::start();
    let main = shell.window("main");
    for command in COMMAND_NAMES {
        let answer = call(&main, APP_PAGE, command, json!({}));
        assert!(got_through(&answer, command), "{command}: {answer:?}");
    }
}

#[test]
fn a_call_of_the_main_window_is_answered() {
    let shell = Shell::start();
    let status = call(&shell.window("main"), APP_PAGE, "app_status", json!({ "request": {} })).unwrap();
    assert_eq!(status["connectors"], 0, "{status}");
}

#[test]
fn an_error_of_a_command_arrives_with_its_code() {
    let shell = Shell::start();
    let refusal =
        call(&shell.window("main"), APP_PAGE, "connector_get", json!({ "request": { "name": "none" } }))
            .unwrap_err();
    let refusal: Value = serde_json::from_str(&refusal).unwrap();
    assert_eq!(refusal["code"], "notFound", "{refusal}");
}

#[test]
fn no_other_window_may_call_any_command() {
    let shell = Shell::start();
    for label in ["oauth", "oauth-popup", "problem", "other", "main2"] {
        let window = shell.window(label);
        for command in COMMAND_NAMES {
            let answer = call(&window, APP_PAGE, command, json!({ "request": {} }));
            assert!(
                answer.as_ref().is_err_and(|refusal| refusal.contains("not allowed")),
                "{label} {command}: {answer:?}"
            );
        }
    }
}

#[test]
fn a_foreign_page_in_the_main_window_may_call_nothing() {
    let shell = Shell::start();
    let main = shell.window("main");
    for page in ["https://app.example.org/", "http://127.0.0.1:47811/", "tauri://elsewhere/"] {
        for command in COMMAND_NAMES {
            let answer = call(&main, page, command, json!({ "request": {} }));
            assert!(
                answer.as_ref().is_err_and(|refusal| refusal.contains("not allowed")),
                "{page} {command}: {answer:?}"
            );
        }
    }
}

#[test]
fn what_is_not_in_the_list_is_refused() {
    let shell = Shell::start();
    let main = shell.window("main");
    for command in [
        "vault_export",
        "__concord",
        "plugin:event|listen",
        "plugin:webview|create_webview_window",
        "plugin:window|set_title",
        "plugin:app|version",
        "plugin:path|resolve_directory",
        "plugin:fs|read_text_file",
        "plugin:shell|execute",
    ] {
        let answer = call(&main, APP_PAGE, command, json!({}));
        assert!(
            answer
                .as_ref()
                .is_err_and(|refusal| refusal.contains("not allowed") || refusal.contains("not found")),
            "{command}: {answer:?}"
        );
    }
}

#[test]
fn arguments_of_another_shape_are_refused() {
    let shell = Shell::start();
    let main = shell.window("main");
    for request in
        [json!(null), json!([]), json!("x"), json!({ "name": null }), json!({ "name": 7 }), json!({})]
    {
        let answer = call(&main, APP_PAGE, "connector_get", json!({ "request": request }));
        assert!(got_through(&answer, "connector_get"), "{request}: {answer:?}");
    }
}

#[test]
fn the_names_are_those_of_the_api() {
    let expected: Vec<&str> = api::commands::NAMES.iter().chain(api::commands::HOST_NAMES).copied().collect();
    assert_eq!(
        COMMAND_NAMES, expected,
        "command_names.rs has to list the commands of crates/api/src/commands.rs"
    );
}

#[test]
fn the_one_capability_grants_the_commands_to_the_main_window() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("capabilities");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["main.json"], "another capability needs another look at what it opens");
    let capability: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("main.json")).unwrap()).unwrap();
    assert_eq!(capability["windows"], json!(["main"]));
    assert_eq!(capability.get("webviews"), None);
    assert_eq!(capability.get("remote"), None, "no page from elsewhere may call a command");
    let granted: BTreeSet<String> = serde_json::from_value(capability["permissions"].clone()).unwrap();
    let expected: BTreeSet<String> =
        COMMAND_NAMES.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    assert_eq!(granted, expected);
}

#[test]
fn the_configuration_keeps_the_page_in_its_bounds() {
    let configuration: Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
    let app = &configuration["app"];
    assert_eq!(app["withGlobalTauri"], false);
    assert_eq!(app["security"]["capabilities"], json!(["main"]));
    let policy = app["security"]["csp"].to_string();
    for loose in ["unsafe-", "*", "https:", "blob:"] {
        assert!(!policy.contains(loose), "{loose} in {policy}");
    }
    for shut in ["object-src", "base-uri", "frame-ancestors", "form-action"] {
        assert_eq!(app["security"]["csp"][shut], "'none'");
    }
}
