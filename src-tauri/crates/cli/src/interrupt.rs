//! Ctrl-C and its relatives.

use crate::exit::Failure;

/// Waits until somebody wants this process to end: Ctrl-C, or SIGTERM from a supervisor.
pub async fn asked_to_end() -> Result<(), Failure> {
    let no_signals = |problem| Failure::error(format!("signals cannot be listened to ({problem})"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.map_err(no_signals),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(no_signals)
}
