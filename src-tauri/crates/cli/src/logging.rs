//! The log: stderr, when it is asked for.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::{
    Layer as _, filter::LevelFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Starts logging if `--verbose` or `CONCORD_LOG` asks for it; the latter names the level.
pub fn start(verbose: bool) {
    let named = std::env::var("CONCORD_LOG").ok().and_then(|level| level.parse().ok());
    let Some(level) = named.or(verbose.then_some(LevelFilter::INFO)) else { return };
    let to_stderr = fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_filter(api::log::spoken(level));
    tracing_subscriber::registry().with(to_stderr).init();
}
