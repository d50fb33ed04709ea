//! Tells the desktop what a person should hear of while they look elsewhere. A press on it leads to the screen that shows it.

use std::{sync::Arc, time::Duration};

use api::{App, News, dto::Empty};
use tauri::{AppHandle, Manager as _, Runtime, async_runtime};

use crate::main_window;

/// How often is looked. Nobody minds a few seconds who looks elsewhere.
const EVERY: Duration = Duration::from_secs(5);

/// Looks for news as long as the application runs.
pub fn watch<R: Runtime>(handle: AppHandle<R>, app: Arc<App>) {
    async_runtime::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut before = None;
        loop {
            ticks.tick().await;
            match app.news(before.as_ref()).await {
                Ok((standing, news)) => {
                    before = Some(standing);
                    if news.is_empty() {
                        continue;
                    }
                    if is_watched(&handle) {
                        tracing::debug!(news = news.len(), "news while the window is in front");
                    } else if app.preferences_get(Empty {}).await.is_ok_and(|p| p.notifications) {
                        news.into_iter().for_each(|one| tell(&handle, one));
                    }
                }
                // A vault that is locked or a disk that is full is told elsewhere.
                Err(problem) => tracing::debug!(%problem, "no look for news"),
            }
        }
    });
}

/// Who has the window in front of them sees it there.
fn is_watched<R: Runtime>(handle: &AppHandle<R>) -> bool {
    handle.get_webview_window(main_window::LABEL).is_some_and(|window| window.is_focused().unwrap_or(false))
}

fn tell<R: Runtime>(handle: &AppHandle<R>, news: News) {
    let handle = handle.clone();
    // Waiting for a press takes a thread until the notification is gone.
    let waiting = std::thread::Builder::new().name("notification".into()).spawn(move || {
        let mut notification = notify_rust::Notification::new();
        notification
            .appname("Concord")
            .icon("concord")
            .summary(&news.title)
            .body(&as_text(&news.body))
            .action("default", "Open");
        match notification.show() {
            #[cfg(target_os = "linux")]
            Ok(shown) => shown.wait_for_action(|action| {
                if action == "default" {
                    main_window::focus(&handle);
                    main_window::go_to(&handle, &news.address);
                }
            }),
            #[cfg(not(target_os = "linux"))]
            Ok(_) => drop(handle),
            Err(problem) => tracing::warn!(%problem, "the desktop shows no notifications"),
        }
    });
    if let Err(problem) = waiting {
        tracing::warn!(%problem, "a notification could not be shown");
    }
}

/// Desktops take the text for markup.
fn as_text(text: &str) -> String {
    let short: String = text.chars().take(300).collect();
    short.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::as_text;

    #[test]
    fn a_message_is_text_to_the_desktop() {
        assert_eq!(as_text("<b>5 & 6</b>"), "&lt;b&gt;5 &amp; 6&lt;/b&gt;");
        assert_eq!(as_text(&"x".repeat(1000)).len(), 300);
    }
}
