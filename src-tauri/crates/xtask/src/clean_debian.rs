//! `cargo xtask package --check`: the .deb packages in a Debian that has nothing else, used as a person would.
//!
//! First the command alone, where there is no WebKit: manual, completions, the demo. Then the application: its window comes
//! up under Xvfb and is driven by the test of the first day (`tests/desktop/first_day.rs`): sample data, Preview, Reconcile,
//! an edit that arrives at the other side, and the next morning. All that as somebody who is not root.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    packages,
    tool::{cargo, run, tool},
    workspace::{root, short},
};

/// Installs and uses the packages, and takes the clean system away again.
///
/// # Errors
/// With what failed; then the system stays for a look.
pub fn try_in(target: &Path, made: &[PathBuf]) -> Result<(), String> {
    packages::ensure(&["debootstrap"])?;
    // What was linked here asks for the libraries of this release, or newer ones.
    let release = release(&fs::read_to_string("/etc/os-release").unwrap_or_default())?;
    run(&mut cargo(&[
        "test",
        "--release",
        "--locked",
        "--package",
        "acceptance",
        "--test",
        "desktop",
        "--no-run",
    ]))?;
    let test = newest(&target.join("release/deps"), "desktop-")?;

    let clean = target.join("clean-debian");
    take_away(&clean)?;
    run(tool("debootstrap", &["--variant=minbase", &release]).arg(&clean))?;
    let drive = clean.join("packages");
    let cannot = |problem: std::io::Error| format!("{}: {problem}", drive.display());
    fs::create_dir_all(&drive).map_err(cannot)?;
    for path in made.iter().filter(|path| path.extension().is_some_and(|ending| ending == "deb")) {
        fs::copy(path, drive.join(path.file_name().unwrap_or_default())).map_err(cannot)?;
    }
    fs::copy(test, drive.join("first-day")).map_err(cannot)?;
    // The test leaves its pictures where its source is.
    let pictures = root().join("tests/pictures");
    // What is mounted for it goes with the name space.
    let within = ["--mount", "--propagation", "private", "sh", "-euc", IN_THE_CLEAN_SYSTEM, "sh"];
    run(tool("unshare", &within).arg(&clean).arg(&pictures))?;

    let left = clean.join(pictures.strip_prefix("/").unwrap_or(&pictures));
    let kept = target.join("clean-debian-pictures");
    take_away(&kept)?;
    fs::create_dir_all(&kept).map_err(|problem| format!("{}: {problem}", kept.display()))?;
    for file in fs::read_dir(&left).into_iter().flatten().flatten() {
        fs::copy(file.path(), kept.join(file.file_name())).map_err(|problem| problem.to_string())?;
    }
    println!("Pictures of it are in {}.", short(&kept));
    take_away(&clean)
}

/// The code name of the Debian that this is.
fn release(os_release: &str) -> Result<String, String> {
    let named = |name: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim_matches('"'))
    };
    match (named("ID"), named("VERSION_CODENAME")) {
        (Some("debian"), Some(release)) => Ok(release.to_owned()),
        _ => Err("The check installs into a Debian of the release that it runs on, and this is no Debian."
            .to_owned()),
    }
}

fn take_away(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    }
    Ok(())
}

/// `$1` is the folder of the clean system, `$2` the one where the test leaves its pictures.
const IN_THE_CLEAN_SYSTEM: &str = r#"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
cp -L /etc/resolv.conf "$1/etc/"
# The archives of this system, and the way to them.
rm -f "$1/etc/apt/sources.list"
for known in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources /etc/apt/apt.conf.d/*; do
  if [ -e "$known" ]; then cp -L "$known" "$1$known"; fi
done
cp -L /usr/share/keyrings/*.gpg "$1/usr/share/keyrings/" 2>/dev/null || true
exec chroot "$1" /bin/sh -euc '
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
unset XDG_RUNTIME_DIR DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
install() { apt-get install --yes --no-install-recommends "$@" >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }; }
as() { runuser --user somebody -- env HOME=/home/somebody "$@"; }
apt-get update >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
useradd --create-home somebody

echo "--- the command alone"
install /packages/concord_*.deb
if dpkg --list | grep -E "webkit|libgtk"; then echo "The command brought a window system with it."; exit 1; fi
echo "installed with it: $(grep -c ^Setting /tmp/apt.log) packages"
as concord --version
as env CONCORD_PASSPHRASE="a passphrase for tests" concord demo
install man-db
as man concord-recon | grep -q -- --incremental
as bash -euc "source /usr/share/bash-completion/completions/concord; complete -p concord" >/dev/null
test -s /usr/share/zsh/vendor-completions/_concord
test -s /usr/share/fish/vendor_completions.d/concord.fish
grep -q rusqlite /usr/share/doc/concord/copyright

echo "--- the application"
install /packages/concord-desktop_*.deb
echo "installed with it: $(grep -c ^Setting /tmp/apt.log) packages"
as man concord-desktop | grep -q -- --data-dir
test -s /usr/share/applications/concord-desktop.desktop
test -s /usr/share/icons/hicolor/scalable/apps/concord.svg
grep -q webkit /usr/share/doc/concord-desktop/copyright
install xvfb xauth webkit2gtk-driver dbus dbus-daemon gnome-keyring
mkdir -p "$1"
chown somebody "$1"
as env CONCORD_DESKTOP_BIN=/usr/bin/concord-desktop /packages/first-day first_day

echo "--- away again"
apt-get remove --yes concord concord-desktop >/tmp/apt.log 2>&1
test ! -e /usr/bin/concord
test ! -e /usr/bin/concord-desktop
' sh "$2"
"#;

/// The newest program in a folder whose name begins so.
fn newest(folder: &Path, prefix: &str) -> Result<PathBuf, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clean_system_is_of_this_release() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(release(debian).unwrap(), "bookworm");
        let ubuntu = "VERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n";
        assert!(release(ubuntu).unwrap_err().contains("no Debian"));
        assert!(release("").is_err());
    }
}
