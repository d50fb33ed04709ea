//! Files for other programs.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, sync::Arc};

use api::{
    App, AppOptions, ErrorCode,
    dto::{AuditExport, ExportFormat, RunExport, RunMode, RunStart, RunSummary},
};
use sandbox::hubspot::{Options, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

const TOKEN: &str = "sandbox-service-key";
const RECORDS: usize = 2300;

async fn previewed() -> (TempDir, Arc<App>, Sandbox, RunSummary) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options { records: RECORDS, access_token: Some(TOKEN.into()), ..Options::default() };
    let sandbox = Sandbox::start(listener, options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = AppOptions {
        data_dir: folder.path().join("data"),
        passphrase: Some("a passphrase for tests".to_owned()),
    };
    let app = App::open(options).await.unwrap();
    app.set_download_folder(folder.path().join("downloads"));
    app.sample_setup(&sandbox.url(), TOKEN).await.unwrap();
    let run = app
        .run_start(RunStart {
            mapping: "systemHubspotContact_managedUser".into(),
            mode: RunMode::Preview,
            ids: Vec::new(),
            allow_deletes: None,
            incremental: false,
        })
        .await
        .unwrap();
    let run = app.run_wait(&run.id, |_| {}).await.unwrap();
    (folder, app, sandbox, run)
}

fn all(run: &RunSummary, format: ExportFormat) -> RunExport {
    RunExport {
        id: run.id.clone(),
        format,
        situation: None,
        action: None,
        failed: false,
        stale: false,
        search: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_written_page_by_page_as_a_table_and_as_documents() {
    let (folder, app, _sandbox, run) = previewed().await;
    let table = app.run_export(all(&run, ExportFormat::Csv)).await.unwrap();
    assert!(table.path.starts_with(folder.path().join("downloads").to_str().unwrap()), "{table:?}");
    let text = fs::read_to_string(&table.path).unwrap();
    assert!(text.starts_with("\u{feff}record,situation,action,state,source id,"));
    assert!(table.rows as usize > 2000, "more than a page or two: {table:?}");
    assert_eq!(text.matches("\r\n").count() as u64, table.rows + 1);

    let documents = app.run_export(all(&run, ExportFormat::Json)).await.unwrap();
    assert_ne!(documents.path, table.path);
    let read: Value = serde_json::from_str(&fs::read_to_string(&documents.path).unwrap()).unwrap();
    assert_eq!(read["run"]["_id"], run.id);
    assert_eq!(read["entries"].as_array().unwrap().len() as u64, table.rows);
    assert_eq!(read["entries"][0]["reconId"], run.id);

    // A filter narrows it, and a second file takes the place of none.
    let only = RunExport { search: Some("nobody is called this".into()), ..all(&run, ExportFormat::Csv) };
    let none = app.run_export(only).await.unwrap();
    assert!(none.rows == 0 && none.path != table.path, "{none:?}");
    assert_eq!(fs::read_to_string(&table.path).unwrap(), text);
    let absent = RunExport { situation: Some("ABSENT".into()), ..all(&run, ExportFormat::Json) };
    let absent = app.run_export(absent).await.unwrap();
    assert!(absent.rows > 0 && absent.rows <= table.rows);
    let wrong = RunExport { action: Some("EXPLODE".into()), ..all(&run, ExportFormat::Csv) };
    assert_eq!(app.run_export(wrong).await.unwrap_err().code, ErrorCode::Invalid);

    let audit = AuditExport { format: ExportFormat::Csv, topic: Some("run".into()), search: None };
    let audit = app.audit_export(audit).await.unwrap();
    let text = fs::read_to_string(&audit.path).unwrap();
    assert!(text.contains("exported to") && text.contains("preview of"), "{text}");
    let audit = AuditExport { format: ExportFormat::Json, topic: None, search: None };
    let audit = app.audit_export(audit).await.unwrap();
    let read: Value = serde_json::from_str(&fs::read_to_string(&audit.path).unwrap()).unwrap();
    assert_eq!(read.as_array().unwrap().len() as u64, audit.rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_is_named() {
    let (folder, app, _sandbox, run) = previewed().await;
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    app.set_download_folder(file.clone());
    let error = app.run_export(all(&run, ExportFormat::Csv)).await.unwrap_err();
    assert!(error.code == ErrorCode::Storage && error.message.contains("a-file"), "{error}");
}
