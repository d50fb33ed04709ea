//! The built UI, under the content security policy of the desktop application.

use std::{
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use axum::{
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;

/// The folder of the built UI.
pub struct Files {
    folder: PathBuf,
    policy: String,
}

impl Files {
    /// The files of this folder.
    pub fn new(folder: PathBuf) -> io::Result<Self> {
        if !folder.join("index.html").is_file() {
            let problem =
                format!("there is no built UI in {}; run `npm ci && npm run build` in ui/", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, problem));
        }
        let configuration = serde_json::from_str(include_str!("../../src-tauri/tauri.conf.json"))?;
        Ok(Self { folder, policy: policy(&configuration)? })
    }
}

/// `GET` of anything that is no command.
pub async fn serve(State(files): State<Arc<Files>>, address: Uri) -> Response {
    if address.path() == "/favicon.ico" {
        // Browsers ask for one; an application has its icon elsewhere.
        return StatusCode::NO_CONTENT.into_response();
    }
    let Some(path) = inside(address.path()) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match tokio::fs::read(files.folder.join(path)).await {
        Ok(content) => {
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_SECURITY_POLICY, files.policy.as_str()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, content).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The file below the folder that a path of an address means. The built UI needs no escapes in its names.
fn inside(path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/')?;
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| path.to_owned())
}

/// The policy as in the application, except that calls go to this host instead of the shell.
fn policy(configuration: &Value) -> io::Result<String> {
    let missing = || io::Error::other("tauri.conf.json has no content security policy");
    let policy = configuration.pointer("/app/security/csp").and_then(Value::as_object).ok_or_else(missing)?;
    let parts = policy.iter().map(|(name, sources)| match name.as_str() {
        "connect-src" => Ok("connect-src 'self'".to_owned()),
        name => sources.as_str().map(|sources| format!("{name} {sources}")).ok_or_else(missing),
    });
    Ok(parts.collect::<io::Result<Vec<_>>>()?.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_inside_the_folder() {
        for (path, expected) in [
            ("/", Some("index.html")),
            ("/assets/index.js", Some("assets/index.js")),
            ("/../Cargo.toml", None),
            ("/assets/../../Cargo.toml", None),
            ("//etc/passwd", None),
            ("/./index.html", None),
            ("", None),
        ] {
            assert_eq!(inside(path), expected.map(PathBuf::from), "{path:?}");
        }
    }

    #[test]
    fn the_policy_is_the_one_of_the_application() {
        let configuration = serde_json::from_str(include_str!("../../src-tauri/tauri.conf.json")).unwrap();
        let policy = policy(&configuration).unwrap();
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(policy.contains("connect-src 'self'") && !policy.contains("ipc:"), "{policy}");
    }
}
