//! What the commands wait for: the window is there before the data folder is open.
//!
//! A page takes longer to come than a folder to open, so neither waits for the other. A call that comes first waits here
//! until the use cases are there, or learns why they never will be.

use std::sync::Arc;

use api::{ApiError, App, ErrorCode};
use tokio::sync::watch;

/// How opening stands.
#[derive(Clone)]
enum Standing {
    UnderWay,
    Open(Arc<App>),
    Refused(ApiError),
}

/// The use cases of the data folder, from the moment when it is open.
pub struct Opening(watch::Sender<Standing>);

impl Default for Opening {
    fn default() -> Self {
        Self(watch::Sender::new(Standing::UnderWay))
    }
}

impl Opening {
    /// It is open: whoever waits goes on.
    pub fn succeeded(&self, app: Arc<App>) {
        self.0.send_replace(Standing::Open(app));
    }

    /// It cannot be opened, for this reason.
    pub fn failed(&self, why: ApiError) {
        self.0.send_replace(Standing::Refused(why));
    }

    /// Whether it could not be opened.
    pub fn has_failed(&self) -> bool {
        matches!(*self.0.borrow(), Standing::Refused(_))
    }

    /// What is open, if it is.
    pub fn opened(&self) -> Option<Arc<App>> {
        match &*self.0.borrow() {
            Standing::Open(app) => Some(Arc::clone(app)),
            _ => None,
        }
    }

    /// Waits until it is open.
    pub async fn app(&self) -> Result<Arc<App>, ApiError> {
        let mut seen = self.0.subscribe();
        let standing = seen.wait_for(|standing| !matches!(standing, Standing::UnderWay)).await;
        match standing.as_deref() {
            Ok(Standing::Open(app)) => Ok(Arc::clone(app)),
            Ok(Standing::Refused(why)) => Err(why.clone()),
            // Only with the application itself does this value go away.
            _ => Err(ApiError::new(
                ErrorCode::Internal,
                "the application ended before its data folder was open",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;

    use super::*;

    #[tokio::test]
    async fn whoever_comes_first_waits_and_whoever_comes_late_does_not() {
        let opening = Opening::default();
        let why = ApiError::new(ErrorCode::Storage, "the disk is full");
        let mut early = Box::pin(opening.app());
        let asked =
            std::future::poll_fn(|context| std::task::Poll::Ready(early.as_mut().poll(context).is_pending()));
        assert!(asked.await, "nothing is open yet");
        assert!(opening.opened().is_none() && !opening.has_failed());

        opening.failed(why.clone());
        assert_eq!(early.await.err(), Some(why.clone()));
        assert_eq!(opening.app().await.err(), Some(why));
        assert!(opening.has_failed());
    }

    #[tokio::test]
    async fn what_is_open_is_handed_out() {
        let data = tempfile::tempdir().unwrap();
        let options = api::AppOptions {
            data_dir: data.path().to_owned(),
            passphrase: Some("a passphrase for tests".to_owned()),
        };
        let (opening, app) = (Opening::default(), App::open(options).await.unwrap());
        opening.succeeded(Arc::clone(&app));
        assert!(Arc::ptr_eq(&opening.app().await.unwrap(), &app));
        assert!(opening.opened().is_some_and(|opened| Arc::ptr_eq(&opened, &app)));
    }
}
