//! `cargo xtask package`: .deb and .rpm of the application, and of the command alone. `--check` installs the .deb packages
//! in a clean Debian and does there what a person would do first.

use std::{fs, path::Path};

use crate::{
    node, packages,
    tool::{cargo, run, there_is, tool},
    workspace::root,
};

/// What makes the packages, and the version that their settings are written for.
const MAKERS: [(&str, &str); 2] = [("cargo-deb", "^3"), ("cargo-generate-rpm", "^0.21")];

/// The packages: the crate's name for `cargo deb`, its folder for `cargo generate-rpm`.
const CRATES: [(&str, &str); 2] = [("cli", "src-tauri/crates/cli"), ("concord-desktop", "src-tauri")];

/// The Debian that the check installs into.
const DEBIAN: &str = "bookworm";

/// Builds everything for release and packs it.
///
/// # Errors
/// With the step that failed, or a wrong argument.
pub fn make(arguments: &[String]) -> Result<(), String> {
    let check = match arguments {
        [] => false,
        [only] if only == "--check" => true,
        _ => return Err("cargo xtask package [--check]".to_owned()),
    };
    packages::ensure(packages::BUILD)?;
    node::check()?;
    for (program, version) in MAKERS {
        if !there_is(program) {
            println!("{program} is not there; it is built now, which takes some minutes.");
            run(&mut cargo(&["install", program, "--version", version, "--locked"]))?;
        }
    }
    let ui = root().join("ui");
    node::install(&ui)?;
    run(tool("npm", &["run", "build"]).current_dir(&ui))?;
    run(&mut cargo(&["build", "--release", "--locked", "--package", "cli", "--package", "concord-desktop"]))?;

    let target = root().join("target");
    run(tool(target.join("release/concord"), &["package-files"]).arg(target.join("package-files")))?;
    for (name, folder) in CRATES {
        run(&mut cargo(&["deb", "--package", name, "--no-build", "--no-strip"]))?;
        run(&mut cargo(&["generate-rpm", "--package", folder]))?;
    }
    let made = listed(&target)?;
    for (path, bytes) in &made {
        println!("{:>8.1} MB  {path}", *bytes as f64 / 1e6);
    }
    if check {
        try_in_a_clean_system(&target)?;
    }
    println!(
        "Passed: {} packages{}.",
        made.len(),
        if check { ", installed and used in a clean Debian" } else { "" }
    );
    Ok(())
}

/// The packages under `target`, with their sizes in bytes.
fn listed(target: &Path) -> Result<Vec<(String, u64)>, String> {
    let mut made = Vec::new();
    for (folder, kind) in [("debian", "deb"), ("generate-rpm", "rpm")] {
        let folder = target.join(folder);
        let files = fs::read_dir(&folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
        for file in files.flatten() {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == kind) {
                let bytes = file.metadata().map(|about| about.len()).unwrap_or_default();
                made.push((path.strip_prefix(root()).unwrap_or(&path).display().to_string(), bytes));
            }
        }
    }
    made.sort();
    Ok(made)
}

/// Installs the .deb packages in a Debian that has nothing, reads the manual, plays the demo, and drives the window by
/// the test of the first day.
fn try_in_a_clean_system(target: &Path) -> Result<(), String> {
    packages::ensure(&["debootstrap"])?;
    let clean = target.join("clean-debian");
    if clean.exists() {
        fs::remove_dir_all(&clean).map_err(|problem| format!("{}: {problem}", clean.display()))?;
    }
    run(tool("debootstrap", &["--variant=minbase", DEBIAN]).arg(&clean))?;
    let drive = fs::read_dir(target.join("debian")).map_err(|problem| problem.to_string())?;
    let debs = clean.join("packages");
    fs::create_dir_all(&debs).map_err(|problem| problem.to_string())?;
    for deb in drive.flatten() {
        fs::copy(deb.path(), debs.join(deb.file_name())).map_err(|problem| problem.to_string())?;
    }
    run(&mut cargo(&["test", "--package", "acceptance", "--test", "desktop", "--no-run"]))?;
    let test = newest(&target.join("debug/deps"), "desktop-")?;
    fs::copy(test, clean.join("packages/first-day")).map_err(|problem| problem.to_string())?;
    // What is mounted for it goes with the name space.
    run(tool("unshare", &["--mount", "sh", "-euc", IN_THE_CLEAN_SYSTEM, "sh"]).arg(&clean))
}

const IN_THE_CLEAN_SYSTEM: &str = r#"
mount --bind /proc "$1/proc"
mount --bind /dev "$1/dev"
for known in /etc/resolv.conf /etc/apt/apt.conf.d /etc/apt/sources.list.d; do
  if [ -e "$known" ]; then mkdir -p "$1$(dirname "$known")"; cp -rL "$known" "$1$(dirname "$known")/"; fi
done
exec chroot "$1" /bin/sh -euc '
export DEBIAN_FRONTEND=noninteractive HOME=/root CONCORD_PASSPHRASE="a passphrase for tests"
apt-get update
apt-get install --yes --no-install-recommends /packages/*.deb
concord --version
concord demo
test -s /usr/share/man/man1/concord.1.gz
test -s /usr/share/bash-completion/completions/concord
apt-get install --yes --no-install-recommends xvfb xauth webkit2gtk-driver dbus dbus-daemon gnome-keyring
CONCORD_DESKTOP_BIN=/usr/bin/concord-desktop /packages/first-day first_day
apt-get remove --yes concord concord-desktop
test ! -e /usr/bin/concord
'
"#;

/// The newest program in a folder whose name begins so.
fn newest(folder: &Path, prefix: &str) -> Result<std::path::PathBuf, String> {
    let files = fs::read_dir(folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    files
        .flatten()
        .filter(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            name.starts_with(prefix) && !name.contains('.')
        })
        .max_by_key(|file| file.metadata().and_then(|about| about.modified()).ok())
        .map(|file| file.path())
        .ok_or_else(|| format!("there is no {prefix}* in {}", folder.display()))
}
