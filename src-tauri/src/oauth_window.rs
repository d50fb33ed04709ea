//! The embedded consent window: the provider's own pages, in a window that may do nothing but show them.
//!
//! The redirect is caught before it is requested, so nobody has to listen at the redirect URI. The window has no
//! capability, keeps no cookies, downloads nothing, and says in its title whose page it shows.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api::{ApiError, App, AuthorizationCode, Authorizing, ErrorCode, Redirect, dto::AuthorizeResult};
use tauri::{
    AppHandle, Manager as _, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    async_runtime,
    webview::{NewWindowResponse, PageLoadEvent, PermissionResponse},
};
use tokio::sync::{Notify, mpsc};
use url::{Host, Url};

use crate::{main_window, page_end::when_page_ends};

const LABEL: &str = "oauth";
/// A single sign-on page that the provider opens beside its own.
const POPUP_LABEL: &str = "oauth-popup";
/// The longest that a consent may take; providers let their codes and states expire about then.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

const CLOSED: &str = "The window was closed before consent was given; press Authorize to try again.";
const CALLED_OFF: &str = "The authorization was called off; press Authorize to try again.";
const EXPIRED: &str = "Consent was not given within 5 minutes; press Authorize to try again.";

/// The connector that is being authorized in the window, and the way to call that off.
#[derive(Default)]
pub struct Consent(Mutex<Option<(String, Arc<Notify>)>>);

impl Consent {
    fn lock(&self) -> MutexGuard<'_, Option<(String, Arc<Notify>)>> {
        // What is behind it is replaced whole, so a panic elsewhere cannot have left half of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the consent page of a connector and waits for what comes of it.
pub async fn authorize<R: Runtime>(
    handle: &AppHandle<R>,
    app: &App,
    connector: &str,
) -> Result<AuthorizeResult, ApiError> {
    let turn = Turn::take(handle, connector)?;
    let authorizing = Arc::new(app.authorize_begin(connector).await?);
    if !is_web_page(&authorizing.url) {
        return Err(ApiError::new(
            ErrorCode::Invalid,
            format!(
                "The authorize URL of connector `{connector}` is not an https address; correct it and try again."
            ),
        ));
    }
    let (sender, mut ended) = mpsc::channel(4);
    let watch = Watch { authorizing: Arc::clone(&authorizing), ended: sender };
    let window = open(handle, &watch).map_err(|problem| {
        ApiError::new(
            ErrorCode::Internal,
            format!("The consent window could not be opened ({problem}). Authorize in your browser instead."),
        )
    })?;
    // The window's handlers hold the other senders: when they are gone, so is the window.
    drop(watch);
    let ending = tokio::select! {
        ending = tokio::time::timeout(PATIENCE, ended.recv()) => ending,
        () = turn.called_off.notified() => Ok(Some(Ending::Refused(CALLED_OFF.to_owned()))),
    };
    close(handle, &window);

    let refused = |message: &str| AuthorizeResult { ok: false, message: message.to_owned() };
    match ending {
        Ok(Some(Ending::Code(code))) => app.authorize_finish(authorizing, code).await,
        Ok(Some(Ending::Refused(message))) => Ok(refused(&message)),
        Ok(Some(Ending::Closed) | None) => Ok(refused(CLOSED)),
        Err(_) => Ok(refused(EXPIRED)),
    }
}

/// Calls off the consent in the window if it is this connector's.
pub fn cancel<R: Runtime>(handle: &AppHandle<R>, connector: &str) {
    if let Some((name, called_off)) = handle.state::<Consent>().lock().as_ref()
        && name == connector
    {
        called_off.notify_one();
    }
}

/// A page that a browser or a consent window may show: https, or http on this machine (the sandbox).
pub fn is_web_page(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        ("http", Some(Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}

/// The right to the one consent window, given back when dropped.
struct Turn<R: Runtime> {
    handle: AppHandle<R>,
    called_off: Arc<Notify>,
}

impl<R: Runtime> Turn<R> {
    fn take(handle: &AppHandle<R>, connector: &str) -> Result<Self, ApiError> {
        let consent = handle.state::<Consent>();
        let mut open = consent.lock();
        if let Some((other, _)) = open.as_ref() {
            if let Some(window) = handle.get_webview_window(LABEL) {
                focus(&window);
            }
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("Connector `{other}` is being authorized; finish that or close its window first."),
            ));
        }
        let called_off = Arc::new(Notify::new());
        *open = Some((connector.to_owned(), Arc::clone(&called_off)));
        Ok(Self { handle: handle.clone(), called_off })
    }
}

impl<R: Runtime> Drop for Turn<R> {
    fn drop(&mut self) {
        *self.handle.state::<Consent>().lock() = None;
    }
}

/// What came of the window.
enum Ending {
    Code(AuthorizationCode),
    Refused(String),
    Closed,
}

/// Looks at every page before it loads. All of it runs on the UI thread, so nothing in it waits.
#[derive(Clone)]
struct Watch {
    authorizing: Arc<Authorizing>,
    ended: mpsc::Sender<Ending>,
}

impl Watch {
    /// Whether the window may go there.
    fn allows(&self, url: &Url) -> bool {
        match self.authorizing.check(url) {
            Redirect::Elsewhere => may_show(url),
            Redirect::Code(code) => {
                self.end(Ending::Code(code));
                false
            }
            Redirect::Refused(message) => {
                self.end(Ending::Refused(message));
                false
            }
        }
    }

    /// The first ending counts; nobody listens for the others.
    fn end(&self, ending: Ending) {
        self.ended.try_send(ending).ok();
    }
}

/// What a provider's page may load into a window or a frame. Never our own pages, files or programs.
fn may_show(url: &Url) -> bool {
    is_web_page(url) || matches!((url.scheme(), url.path()), ("about", "blank" | "srcdoc"))
}

fn open<R: Runtime>(handle: &AppHandle<R>, watch: &Watch) -> tauri::Result<WebviewWindow<R>> {
    let provider = &watch.authorizing.provider_title;
    let page = WebviewUrl::External(watch.authorizing.url.clone());
    let mut builder = watched(WebviewWindowBuilder::new(handle, LABEL, page), watch)
        .title(title(provider, &watch.authorizing.url))
        .inner_size(560.0, 760.0)
        .min_inner_size(400.0, 480.0)
        .center()
        .on_new_window({
            let (handle, watch) = (handle.clone(), watch.clone());
            move |url, features| {
                if !watch.allows(&url) || handle.get_webview_window(POPUP_LABEL).is_some() {
                    return NewWindowResponse::Deny;
                }
                let blank = WebviewUrl::External(url.clone());
                let popup = watched(WebviewWindowBuilder::new(&handle, POPUP_LABEL, blank), &watch)
                    .title(title(&watch.authorizing.provider_title, &url))
                    .window_features(features)
                    .on_new_window(|_, _| NewWindowResponse::Deny)
                    .build();
                match popup {
                    Ok(window) => {
                        let handle = handle.clone();
                        when_page_ends(&window, move || close_popup(&handle));
                        NewWindowResponse::Create { window }
                    }
                    Err(problem) => {
                        tracing::warn!(%problem, "a page's second window could not be opened");
                        NewWindowResponse::Deny
                    }
                }
            }
        });
    if let Some(main) = handle.get_webview_window(main_window::LABEL) {
        builder = builder.parent(&main)?;
    }
    let window = builder.build()?;
    let (by_person, by_page) = (watch.clone(), watch.clone());
    window.on_window_event(move |event| {
        if matches!(event, WindowEvent::Destroyed) {
            by_person.end(Ending::Closed);
        }
    });
    when_page_ends(&window, move || by_page.end(Ending::Closed));
    Ok(window)
}

/// The rules that hold for the consent window and for what it opens.
fn watched<'a, R: Runtime>(
    builder: WebviewWindowBuilder<'a, R, AppHandle<R>>,
    watch: &Watch,
) -> WebviewWindowBuilder<'a, R, AppHandle<R>> {
    let (before, after) = (watch.clone(), watch.clone());
    builder
        .incognito(!shared_with_webdriver())
        .on_navigation(move |url| before.allows(url))
        .on_page_load(move |window, page| {
            // A second trap: some targets are only reported here.
            let allowed = after.allows(page.url());
            if allowed && matches!(page.event(), PageLoadEvent::Started) {
                let title = title(&after.authorizing.provider_title, page.url());
                if let Err(problem) = window.set_title(&title) {
                    tracing::warn!(%problem, "the consent window's title is not up to date");
                }
            }
        })
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny)
}

/// Not at once: this is called from within the page that ends.
fn close_popup<R: Runtime>(handle: &AppHandle<R>) {
    let handle = handle.clone();
    async_runtime::spawn(async move {
        if let Some(window) = handle.get_webview_window(POPUP_LABEL) {
            destroy(&window);
        }
    });
}

/// People must see whose page asks for their password.
fn title(provider: &str, page: &Url) -> String {
    match page.host_str() {
        Some(host) => format!("Authorize {provider} \u{2013} {host}"),
        None => format!("Authorize {provider}"),
    }
}

fn close<R: Runtime>(handle: &AppHandle<R>, window: &WebviewWindow<R>) {
    for window in handle.get_webview_window(POPUP_LABEL).iter().chain([window]) {
        destroy(window);
    }
    main_window::focus(handle);
}

fn destroy<R: Runtime>(window: &WebviewWindow<R>) {
    // It may be gone already: the person closed it.
    if let Err(problem) = window.destroy() {
        tracing::debug!(%problem, "the window was not there to be closed");
    }
}

fn focus<R: Runtime>(window: &WebviewWindow<R>) {
    if let Err(problem) = window.set_focus() {
        tracing::warn!(%problem, "the consent window could not be brought to the front");
    }
}

/// WebDriver cannot see a window with a storage of its own. Only builds for tests can be asked to share it.
fn shared_with_webdriver() -> bool {
    cfg!(any(debug_assertions, feature = "webdriver"))
        && std::env::var_os("CONCORD_OAUTH_WINDOW_SHARED").is_some_and(|value| value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_web_are_shown() {
        for (url, shown) in [
            ("https://app.hubspot.com/oauth/authorize?client_id=x", true),
            ("https://login.salesforce.com:443/services/oauth2/authorize", true),
            ("http://127.0.0.1:47811/oauth/authorize", true),
            ("http://[::1]:47811/oauth/authorize", true),
            ("http://localhost:3000/", true),
            ("about:blank", true),
            ("about:srcdoc", true),
            ("about:config", false),
            ("http://app.hubspot.com/oauth/authorize", false),
            ("http://localhost.example.org/", false),
            ("http://192.168.1.1/", false),
            ("tauri://localhost/", false),
            ("problem://localhost/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,x", false),
            ("javascript:alert(1)", false),
            ("mailto:a@example.org", false),
        ] {
            assert_eq!(may_show(&url.parse().unwrap()), shown, "{url}");
        }
    }

    #[test]
    fn the_title_names_the_host() {
        let page = "https://login.example.org/x?host=app.hubspot.com".parse().unwrap();
        assert_eq!(title("HubSpot", &page), "Authorize HubSpot \u{2013} login.example.org");
    }
}
