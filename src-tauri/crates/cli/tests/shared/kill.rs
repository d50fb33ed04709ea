//! A program that is killed at a moment.

use std::{process::Child, time::Duration};

/// Kills the process once `reached` holds, or lets it end if it is faster. Gives whether it was killed.
pub async fn kill_when(mut child: Child, mut reached: impl FnMut() -> bool) -> bool {
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if reached() {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        ticks.tick().await;
    }
}
