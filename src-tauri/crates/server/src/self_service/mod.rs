//! Pages on which people make an account of their own and keep it up to date, under `/people`. They work without scripts.
//!
//! Invariants:
//! - Every form carries a token that belongs to a cookie of the same browser; a POST without it changes nothing.
//! - A session ends after a while without use, after a working day in any case, with its person's password, and with its
//!   person's account.
//! - What was typed is shown again as text, never as markup, and a password never.
//! - Nobody learns here whether somebody else has an account.

mod cookies;
mod forms;
mod pace;
mod page;
mod sessions;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    response::Response,
    routing::{get, post},
};

use crate::{Shared, gate::Room, guesses::Guesses};
use forms::Seal;
use pace::Pace;
use sessions::Sessions;
use tokio::sync::Semaphore;
use visit::Visit;

/// Where the pages are.
pub(crate) const ROOT: &str = "/people";

/// Self-registration and profiles.
#[derive(Debug, Clone, Default)]
pub struct OwnAccounts {
    /// The privacy policy that people agree to, as plain text; without one, what this server does with their data in a few
    /// sentences.
    pub privacy_policy: Option<String>,
}

/// What the pages share.
pub(crate) struct Pages {
    shared: Arc<Shared>,
    /// Whoever comes here needs no credentials, so what is held here is not missing to those who have some.
    room: Room,
    policy: Option<String>,
    /// Whether cookies are for HTTPS alone.
    secure: bool,
    seal: Seal,
    sessions: Sessions,
    guesses: Guesses,
    registrations: Pace,
    /// Passwords are hashed a few at a time: each takes memory on purpose.
    hashing: Semaphore,
}

/// Passwords that are hashed at a time.
const HASHED_AT_ONCE: usize = 4;

/// The routes, where self-service is switched on.
pub(crate) fn routes(
    shared: Arc<Shared>,
    options: OwnAccounts,
    scheme: &'static str,
) -> std::io::Result<Router> {
    let pages = Arc::new(Pages {
        shared,
        room: Room::default(),
        policy: options.privacy_policy.filter(|text| !text.trim().is_empty()),
        secure: scheme == "https",
        seal: Seal::new()?,
        sessions: Sessions::default(),
        guesses: Guesses::default(),
        registrations: Pace::default(),
        hashing: Semaphore::new(HASHED_AT_ONCE),
    });
    let mut router = Router::new().route(&format!("{ROOT}/style.css"), get(page::style));
    for (path, page) in visit::PAGES {
        let pages = Arc::clone(&pages);
        let show = move |request: Request| answer(Arc::clone(&pages), *page, request);
        let mut methods = get(show.clone());
        if page.takes_forms() {
            methods = methods.merge(post(show));
        }
        router = router.route(&format!("{ROOT}{path}"), methods);
    }
    Ok(router)
}

async fn answer(pages: Arc<Pages>, page: visit::Page, request: Request) -> Response {
    let place = match pages.room.place().await {
        Ok(place) => place,
        Err(busy) => {
            return page::problem(busy.status, "Too much is going on. Please try again in a moment.");
        }
    };
    let answer = match Visit::begin(&pages, request).await {
        Ok(visit) => visit.answer(page).await,
        Err(refused) => refused,
    };
    drop(place);
    answer
}
