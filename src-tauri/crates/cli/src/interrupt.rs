//! Ctrl-C and its relatives.

use crate::exit::Failure;

/// Waits until somebody wants this process to end: Ctrl-C, or SIGTERM from a supervisor. It listens from the call on, not only
/// once it is awaited: whoever reads that a server runs may end it in the same moment.
pub fn asked_to_end() -> impl Future<Output = Result<(), Failure>> + Send {
    let no_signals = |problem| Failure::error(format!("signals cannot be listened to ({problem})"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let listening = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        async move {
            let [pressed, terminate] = listening;
            let (mut pressed, mut terminate) = (pressed.map_err(no_signals)?, terminate.map_err(no_signals)?);
            tokio::select! {
                _ = pressed.recv() => Ok(()),
                _ = terminate.recv() => Ok(()),
            }
        }
    }
    #[cfg(not(unix))]
    async move {
        tokio::signal::ctrl_c().await.map_err(no_signals)
    }
}
