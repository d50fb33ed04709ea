//! Who is heard in the log.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// The crates of Concord, by the names under which they speak.
const OWN: [&str; 8] =
    ["concord", "concord_desktop", "api", "connector", "engine", "sandbox", "server", "store"];

/// What a log at this level holds: Concord's own crates. Others only speak up with warnings, because what they say at finer
/// levels (headers, frames) could hold a secret.
pub fn spoken(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_targets(OWN.map(|name| (name, level)))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn would(level: LevelFilter, target: &str, wanted: LevelFilter) -> bool {
        wanted.into_level().is_some_and(|wanted| spoken(level).would_enable(target, &wanted))
    }

    #[test]
    fn other_crates_are_kept_to_warnings() {
        assert!(would(LevelFilter::TRACE, "connector::token", LevelFilter::TRACE));
        assert!(would(LevelFilter::TRACE, "hyper::proto", LevelFilter::WARN));
        assert!(!would(LevelFilter::TRACE, "hyper::proto", LevelFilter::INFO), "headers are logged there");
        assert!(!would(LevelFilter::OFF, "hyper::proto", LevelFilter::ERROR), "off is off");
    }

    #[test]
    fn every_crate_that_speaks_is_heard() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut speak = 0;
        for folder in fs::read_dir(crates).unwrap() {
            let folder = folder.unwrap();
            let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
            if manifest.lines().any(|line| line.starts_with("tracing.")) {
                let name = folder.file_name().into_string().unwrap();
                let target = if name == "cli" { "concord" } else { &name };
                assert!(would(LevelFilter::DEBUG, target, LevelFilter::DEBUG), "{name} says nothing");
                speak += 1;
            }
        }
        assert!(speak > 5, "{speak}");
    }
}
