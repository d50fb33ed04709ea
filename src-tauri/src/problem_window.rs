//! The window that says why the application could not start. The UI cannot: its commands need what failed to open.

use std::{path::Path, sync::Mutex};

use tauri::{
    AppHandle, Builder, Manager as _, Runtime, WebviewUrl, WebviewWindowBuilder,
    http::{Response, StatusCode, header},
};

const LABEL: &str = "problem";
const SCHEME: &str = "problem";
const STYLE: &str = "\
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
main { max-width: 60ch; margin: 3rem auto; padding: 0 1.5rem; overflow-wrap: anywhere; }
h1 { font-size: 1.25rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.75rem; font-family: ui-monospace, monospace; }
";

/// The page to show, once there is one.
#[derive(Default)]
struct Page(Mutex<String>);

/// Makes the page's address known to the windows.
pub fn register<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.manage(Page::default()).register_uri_scheme_protocol(SCHEME, |context, request| {
        match request.uri().path() {
            "/" => {
                let page = context.app_handle().state::<Page>();
                let page = page.0.lock().map(|page| page.clone()).unwrap_or_default();
                answer(StatusCode::OK, "text/html; charset=utf-8", page)
            }
            "/problem.css" => answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned()),
            _ => answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", String::new()),
        }
    })
}

/// Shows the problem. The application ends with a failure once the window is closed.
pub fn show<R: Runtime>(handle: &AppHandle<R>, message: &str, data_dir: &Path) -> tauri::Result<()> {
    if let Ok(mut page) = handle.state::<Page>().0.lock() {
        *page = html(message, data_dir);
    }
    let address = format!("{SCHEME}://localhost/").parse().map_err(tauri::Error::InvalidUrl)?;
    let window = WebviewWindowBuilder::new(handle, LABEL, WebviewUrl::CustomProtocol(address))
        .title("Concord could not start")
        .inner_size(720.0, 420.0)
        .on_navigation(|url| url.scheme() == SCHEME)
        .on_download(|_, _| false)
        .build()?;
    let handle = handle.clone();
    window.on_window_event(move |event| {
        if matches!(event, tauri::WindowEvent::Destroyed) {
            handle.exit(1);
        }
    });
    Ok(())
}

fn answer(status: StatusCode, kind: &str, body: String) -> Response<Vec<u8>> {
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'",
        ),
    );
    if let Ok(kind) = header::HeaderValue::from_str(kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn html(message: &str, data_dir: &Path) -> String {
    let (message, data_dir) = (escape(message), escape(&data_dir.display().to_string()));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Concord could not start</title>\
         <link rel=\"stylesheet\" href=\"/problem.css\"></head><body><main role=\"alert\">\
         <h1>Concord could not start</h1><p>{message}</p>\
         <dl><dt>Data folder</dt><dd>{data_dir}</dd><dt>Log</dt><dd>{data_dir}/logs</dd></dl>\
         </main></body></html>"
    )
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_quotes_the_message_as_text() {
        let page = html("no <b>repository</b> & \"nothing\"", Path::new("/srv/<x>"));
        assert!(page.contains("no &lt;b&gt;repository&lt;/b&gt; &amp; &quot;nothing&quot;"), "{page}");
        assert!(page.contains("/srv/&lt;x&gt;/logs"), "{page}");
    }
}
