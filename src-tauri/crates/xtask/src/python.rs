//! Python: whether it can make an environment, and the packages of a folder in one of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    tool::{ask, run, tool},
    workspace::short,
};

/// Without these two modules there is no environment; Debian ships them apart from the interpreter.
const MODULES: &str = "import ensurepip, venv";

/// The packages that are missing for an environment on Debian and Ubuntu.
pub fn packages() -> &'static [&'static str] {
    if is_complete() { &[] } else { &["python3", "python3-venv"] }
}

fn is_complete() -> bool {
    ask(&mut tool("python3", &["-c", MODULES])).is_some()
}

/// Makes an environment with exactly what the file of requirements says, unless it is there, and gives its interpreter.
///
/// # Errors
/// When there is no usable Python, or a package cannot be had.
pub fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, String> {
    let wanted = fs::read_to_string(requirements)
        .map_err(|problem| format!("{} cannot be read: {problem}.", short(requirements)))?;
    let interpreter = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if interpreter.exists() && is_installed(folder, &wanted) {
        println!("Python packages: as in {}.", short(requirements));
        return Ok(interpreter);
    }
    if !is_complete() {
        return Err("Python 3.9 or newer with its modules venv and ensurepip is needed (`python3 -c \
                    'import ensurepip, venv'` fails): install it, then try again."
            .to_owned());
    }
    run(&mut tool("python3", &["-m", "venv", "--clear", &short(folder)]))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    run(tool(&interpreter, &install).args(["--requirement", &short(requirements)]))?;
    fs::write(receipt(folder), wanted)
        .map_err(|problem| format!("{} cannot be written: {problem}.", short(&receipt(folder))))?;
    Ok(interpreter)
}

/// What is installed, word for word; written last, so that an installation that broke off does not count.
fn receipt(folder: &Path) -> PathBuf {
    folder.join("installed.txt")
}

fn is_installed(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(receipt(folder)).is_ok_and(|installed| installed == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_as_its_receipt_says() {
        let folder = std::env::temp_dir().join(format!("concord-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(!is_installed(&folder, "one==1\n"));
        fs::write(receipt(&folder), "one==1\n").unwrap();
        assert!(is_installed(&folder, "one==1\n"));
        assert!(!is_installed(&folder, "one==2\n"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn requirements_that_cannot_be_read_are_named() {
        let lost = environment(Path::new("nowhere"), Path::new("nosuch.txt")).unwrap_err();
        assert!(lost.contains("nosuch.txt"), "{lost}");
    }
}
