//! The log: stderr, when it is asked for.
//!
//! Other crates only speak up with warnings. What they say at finer levels (headers, frames) could hold a secret.

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

const OWN_CRATES: [&str; 8] =
    ["concord", "api", "engine", "connector", "script", "store", "vault", "sandbox"];

/// Starts logging if `--verbose` or `CONCORD_LOG` asks for it; the latter names the level.
pub fn start(verbose: bool) {
    let named = std::env::var("CONCORD_LOG").ok().and_then(|level| level.parse().ok());
    let Some(level) = named.or(verbose.then_some(LevelFilter::INFO)) else { return };
    let to_stderr = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_filter(spoken(level));
    tracing_subscriber::registry().with(to_stderr).init();
}

fn spoken(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OWN_CRATES.map(|name| (name, level)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_are_kept_to_warnings() {
        let would = |level: LevelFilter, target: &str, wanted: LevelFilter| {
            wanted.into_level().is_some_and(|wanted| spoken(level).would_enable(target, &wanted))
        };
        assert!(would(LevelFilter::TRACE, "connector::token", LevelFilter::TRACE));
        assert!(would(LevelFilter::TRACE, "hyper::proto", LevelFilter::WARN));
        assert!(!would(LevelFilter::TRACE, "hyper::proto", LevelFilter::INFO), "headers are logged there");
        assert!(!would(LevelFilter::OFF, "hyper::proto", LevelFilter::ERROR), "off is off");
    }
}
