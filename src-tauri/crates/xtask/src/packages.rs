//! What the system has to have: which packages are missing, and how they come in.

use std::{collections::BTreeSet, fs, io::IsTerminal as _};

use crate::{
    python,
    tool::{ask, run, there_is, tool},
};

/// What building the desktop application needs. The names are those of Debian 12 and 13 and Ubuntu 22.04 and 24.04.
pub const BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "libgtk-3-dev",
    "librsvg2-dev",
    "libdbus-1-dev",
];

/// What the tests need besides: a display with a window manager, a session bus with a keyring, and the driver of the embedded
/// browser.
const TEST: &[&str] = &[
    "xvfb",
    "xauth",
    "openbox",
    "wmctrl",
    "webkit2gtk-driver",
    "dbus",
    "dbus-daemon",
    "gnome-keyring",
    "curl",
    "jq",
];

/// Any of these will do for the browser tests.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The packages for `cargo xtask test` that may be missing on this system.
pub fn for_tests() -> Vec<&'static str> {
    let mut names = [BUILD, TEST, python::packages()].concat();
    if !BROWSERS.iter().any(|browser| there_is(browser)) {
        names.push(browser_package(&fs::read_to_string("/etc/os-release").unwrap_or_default()));
    }
    names
}

/// Installs what is missing of these packages.
///
/// # Errors
/// With the line to type, where this process may not install.
pub fn ensure(names: &[&str]) -> Result<(), String> {
    if !there_is("dpkg-query") || !there_is("apt-get") {
        println!(
            "This is not a Debian or Ubuntu system, so nothing is installed. It goes on in the hope that these are there \
             (by their Debian names): {}.",
            names.join(" ")
        );
        return Ok(());
    }
    let missing = missing_now(names);
    if missing.is_empty() {
        println!("System packages: all {} are there.", names.len());
        return Ok(());
    }
    println!("System packages missing: {}.", missing.join(" "));
    let Some(become_root) = way_to_root() else {
        return Err(format!(
            "This user may not install packages, and sudo cannot ask for a password here. Run this line, then try again:\n\n    {}\n",
            line_to_type(&missing)
        ));
    };
    let root = |arguments: &[&str]| {
        let words: Vec<&str> = become_root.iter().chain(arguments).copied().collect();
        match words.split_first() {
            Some((program, arguments)) => run(&mut tool(program, arguments)),
            None => Ok(()),
        }
    };
    let installed = root(&["apt-get", "update"]).and_then(|()| {
        let quiet = [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "--yes",
            "--no-install-recommends",
        ];
        root(&[&quiet, missing.as_slice()].concat())
    });
    installed.map_err(|problem| {
        format!(
            "The packages could not be installed. {problem} Run this line, then try again:\n\n    {}\n",
            line_to_type(&missing)
        )
    })?;
    let still = missing_now(names);
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!("These packages are still not installed: {}.", still.join(" ")))
    }
}

fn missing_now<'a>(names: &[&'a str]) -> Vec<&'a str> {
    // It fails when a package is unknown, and has still listed the others.
    let mut query = tool("dpkg-query", &["--show", "--showformat", "${Package}\\t${Status}\\n"]);
    let listed =
        query.args(names).output().map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned());
    missing(names, &listed.unwrap_or_default())
}

/// The names that the list (`name<TAB>status` a line) does not show as installed.
fn missing<'a>(names: &[&'a str], listed: &str) -> Vec<&'a str> {
    let installed: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_once('\t'))
        // "want error state": a package on hold is as good as any other.
        .filter(|(_, status)| status.trim_end().ends_with(" ok installed"))
        .map(|(name, _)| name.trim())
        .collect();
    names.iter().copied().filter(|name| !installed.contains(name)).collect()
}

/// What to put before a command that root has to run; nothing if it can be had at all.
fn way_to_root() -> Option<&'static [&'static str]> {
    if ask(&mut tool("id", &["-u"])).is_some_and(|id| id.trim() == "0") {
        Some(&[])
    } else if !there_is("sudo") {
        None
    } else if ask(&mut tool("sudo", &["-n", "true"])).is_some() {
        Some(&["sudo", "-n"])
    } else if std::io::stdin().is_terminal() {
        Some(&["sudo"])
    } else {
        None
    }
}

fn line_to_type(names: &[&str]) -> String {
    format!("sudo apt-get update && sudo apt-get install -y {}", names.join(" "))
}

/// Ubuntu gives Chromium another name.
fn browser_package(os_release: &str) -> &'static str {
    let ubuntu = os_release
        .lines()
        .any(|line| matches!(line.split_once('='), Some(("ID", id)) if id.trim_matches('"') == "ubuntu"));
    if ubuntu { "chromium-browser" } else { "chromium" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_is_what_is_not_installed() {
        let listed = "xvfb\tinstall ok installed\n\
                      dbus\tdeinstall ok config-files\n\
                      xauth\thold ok installed\n\
                      gnome-keyring\tinstall ok half-configured\n\
                      libgtk-3-dev\tunknown ok not-installed\n\
                      libgtk-3-dev\tinstall ok installed\n";
        for (names, expected) in [
            (&["xvfb"][..], &[][..]),
            (&["dbus"], &["dbus"]),
            (&["xauth"], &[]),
            (&["gnome-keyring"], &["gnome-keyring"]),
            (&["libgtk-3-dev"], &[]),
            (&["chromium"], &["chromium"]),
            (&["chromium", "xvfb", "dbus"], &["chromium", "dbus"]),
        ] {
            assert_eq!(missing(names, listed), expected, "{names:?}");
        }
        assert_eq!(missing(BUILD, ""), BUILD, "a system without an answer lacks everything");
        assert_eq!(missing(&["xvfb"], "dpkg-query: no packages found matching xvfb"), ["xvfb"]);
    }

    #[test]
    fn the_browser_has_its_name_of_the_system() {
        for (os_release, expected) in [
            ("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", "chromium"),
            ("ID=ubuntu\nID_LIKE=debian\n", "chromium-browser"),
            ("ID=\"ubuntu\"\n", "chromium-browser"),
            ("ID=linuxmint\nID_LIKE=ubuntu\n", "chromium"),
            ("", "chromium"),
        ] {
            assert_eq!(browser_package(os_release), expected, "{os_release:?}");
        }
    }

    #[test]
    fn the_line_to_type_is_whole() {
        assert_eq!(
            line_to_type(&["xvfb", "dbus"]),
            "sudo apt-get update && sudo apt-get install -y xvfb dbus"
        );
    }
}
