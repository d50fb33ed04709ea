//! Node: its version, and the packages of a folder from its lock file.

use std::{fs, path::Path, time::SystemTime};

use crate::{
    tool::{ask, run, tool},
    workspace::short,
};

/// Vite and Playwright in the versions of the lock files refuse older ones.
const NEEDED: (u32, u32) = (20, 19);

/// Checks that there is a Node to build the UI with, and gives its version.
///
/// # Errors
/// With what to install.
pub fn check() -> Result<String, String> {
    let wanted = format!("Node {}.{} or newer with npm is needed", NEEDED.0, NEEDED.1);
    let way = "install it from https://nodejs.org or with your version manager, then try again.";
    let told = ask(&mut tool("node", &["--version"]))
        .ok_or_else(|| format!("{wanted} to build the UI, and there is no `node` here: {way}"))?;
    let told = told.trim();
    match version(told) {
        Some(found) if found >= NEEDED => {}
        _ => return Err(format!("{wanted} to build the UI, and this is {told}: {way}")),
    }
    if ask(&mut tool("npm", &["--version"])).is_none() {
        return Err(format!("{wanted} to build the UI, and there is no `npm` beside `node` here: {way}"));
    }
    println!("Node: {told}.");
    Ok(told.to_owned())
}

/// Installs a folder's packages from its lock file, unless they are as the lock file says.
pub fn install(folder: &Path) -> Result<(), String> {
    if is_installed(folder) {
        println!("Node packages of {}: as in the lock file.", short(folder));
        return Ok(());
    }
    let mut command = tool("npm", &["ci", "--no-audit", "--no-fund"]);
    // The browser tests use the system's browser.
    run(command.current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))
}

/// npm writes its own copy of the lock file at the end of an installation.
fn is_installed(folder: &Path) -> bool {
    let changed = |path: &str| fs::metadata(folder.join(path)).and_then(|file| file.modified()).ok();
    let wanted = changed("package-lock.json").max(changed("package.json"));
    is_fresh(changed("node_modules/.package-lock.json"), wanted)
}

fn is_fresh(installed: Option<SystemTime>, wanted: Option<SystemTime>) -> bool {
    installed.is_some() && installed >= wanted
}

fn version(told: &str) -> Option<(u32, u32)> {
    let mut numbers = told.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (told, enough) in [
            ("v20.19.0", true),
            ("v20.18.3", false),
            ("v20.20.2\n", true),
            ("v18.20.4", false),
            ("v9.99.0", false),
            ("v22.1.0", true),
            ("v100.0.0", true),
            ("20.19.0", false),
            ("nonsense", false),
            ("", false),
        ] {
            assert_eq!(version(told).is_some_and(|found| found >= NEEDED), enough, "{told:?}");
        }
    }

    #[test]
    fn packages_are_installed_again_when_the_lock_file_is_newer() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert!(is_fresh(at(2), at(1)));
        assert!(is_fresh(at(1), at(1)));
        assert!(!is_fresh(at(1), at(2)));
        assert!(!is_fresh(None, at(1)));
        assert!(!is_fresh(None, None));
    }
}
