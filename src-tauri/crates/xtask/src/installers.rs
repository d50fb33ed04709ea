//! `cargo xtask package`: .deb and .rpm of the application, and of the command alone.
//!
//! The same source gives the same packages: they carry the time of the commit and no path of the computer that made them.
//! What that takes and where it ends is in `docs/packaging.md`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    clean_debian, licences,
    licences::Within,
    node, packages,
    tool::{ask, cargo, run, there_is, tool},
    workspace::{Workspace, program, root, short},
};

/// What makes the packages, and the version that their settings are written for.
const MAKERS: [(&str, &str); 2] = [("cargo-deb", "^3"), ("cargo-generate-rpm", "^0.21")];

/// A program that is packed.
struct Packed {
    /// The crate's name.
    name: &'static str,
    /// Its folder.
    folder: &'static str,
    /// The name of the program, which is that of the package.
    program: &'static str,
    within: Within,
}

const PACKED: [Packed; 2] = [
    Packed { name: "cli", folder: "src-tauri/crates/cli", program: "concord", within: Within::COMMAND },
    Packed {
        name: "concord-desktop",
        folder: "src-tauri",
        program: "concord-desktop",
        within: Within::DESKTOP,
    },
];

/// What a package may weigh.
const MOST_BYTES: u64 = 20_000_000;

/// Builds everything for release and packs it.
///
/// # Errors
/// With the step that failed, a package that is too large, or a wrong argument.
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

    let released = Workspace::read()?.released();
    let target = released.parent().unwrap_or(&released).to_owned();
    let build = ["build", "--release", "--locked", "--package", "cli", "--package", "concord-desktop"];
    run(as_anywhere(&mut cargo(&build), &target)?)?;
    stage(&released)?;
    let time = time_of_the_source()?;
    let mut made = Vec::new();
    for Packed { name, folder, .. } in PACKED {
        let deb = ["deb", "--package", name, "--no-build", "--no-strip"];
        run(cargo(&deb).env("SOURCE_DATE_EPOCH", &time))?;
        // By its own look at what a program links, which is the same on every system.
        let rpm = ["generate-rpm", "--package", folder, "--auto-req", "builtin", "--target-dir"];
        run(cargo(&rpm).arg(&target).env("SOURCE_DATE_EPOCH", &time))?;
    }
    for (folder, kind) in [("debian", "deb"), ("generate-rpm", "rpm")] {
        made.extend(of_this_version(&target.join(folder), kind)?);
    }
    for path in &made {
        let bytes = fs::metadata(path).map(|about| about.len()).unwrap_or_default();
        let hash = ask(tool("sha256sum", &[]).arg(path)).unwrap_or_default();
        let hash = hash.split_whitespace().next().unwrap_or("?");
        println!("{:>6.2} MB  {hash}  {}", bytes as f64 / 1e6, short(path));
        if bytes > MOST_BYTES {
            return Err(format!("{} is larger than {} MB.", short(path), MOST_BYTES / 1_000_000));
        }
    }
    if check {
        clean_debian::try_in(&target, &made)?;
    }
    println!(
        "Passed: {} packages{}.",
        made.len(),
        if check { ", installed and used in a clean Debian" } else { "" }
    );
    Ok(())
}

/// The folder in the target folder where both makers look for what was built.
const STAGE: &str = "package-files";

/// Puts beside the programs what is made from them: manual pages, completions, licences.
fn stage(released: &Path) -> Result<(), String> {
    let stage = released.join(STAGE);
    // What an earlier version had and this one has not must not be packed.
    if stage.exists() {
        fs::remove_dir_all(&stage).map_err(|problem| format!("{}: {problem}", stage.display()))?;
    }
    run(tool(program(released, "concord"), &["package-files"]).arg(&stage))?;
    // Without the time and the name of the file, which would differ from build to build.
    run(tool("gzip", &["--no-name", "--best", "--recursive"]).arg(stage.join("man")))?;
    for Packed { program, within, .. } in PACKED {
        let path = stage.join(format!("copyright-{program}"));
        fs::write(&path, licences::notice(within)?)
            .map_err(|problem| format!("{}: {problem}", path.display()))?;
    }
    Ok(())
}

/// Keeps out of what is compiled where and when that is done: each folder of this computer gets a name that it has on every
/// computer, and C that tells its own age (mimalloc) tells none. The time of the commit would not do, because a target folder
/// that has served an earlier one compiles no C again.
fn as_anywhere<'a>(command: &'a mut Command, target: &Path) -> Result<&'a mut Command, String> {
    let home = |name: &str, folder: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(folder)))
    };
    let mut names =
        vec![(root().to_owned(), "/concord".to_owned()), (target.to_owned(), "/concord/target".to_owned())];
    if let Some(registries) = home("CARGO_HOME", ".cargo").map(|home| home.join("registry/src")) {
        let folders =
            fs::read_dir(&registries).map_err(|problem| format!("{}: {problem}", registries.display()))?;
        let mut folders: Vec<PathBuf> = folders.flatten().map(|folder| folder.path()).collect();
        folders.sort();
        names.extend(folders.into_iter().map(|folder| (folder, "/registry".to_owned())));
    }
    let mapped = |option: &str| -> Vec<String> {
        names.iter().map(|(folder, name)| format!("{option}={}={name}", folder.display())).collect()
    };
    let given = |name: &str| std::env::var(name).unwrap_or_default();
    let mut rust: Vec<String> = given("RUSTFLAGS").split_whitespace().map(str::to_owned).collect();
    rust.extend(mapped("--remap-path-prefix"));
    command.env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"));
    // SQLite, QuickJS and the cryptography are C.
    for compiler in ["CFLAGS", "CXXFLAGS"] {
        let flags = mapped("-ffile-prefix-map").join(" ");
        command.env(compiler, format!("{} {flags}", given(compiler)).trim());
    }
    command.env("SOURCE_DATE_EPOCH", "0");
    Ok(command)
}

/// What the files in the packages say of their time: that of the commit, or what the builder says.
fn time_of_the_source() -> Result<String, String> {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    let told = given.or_else(|| ask(&mut tool("git", &["log", "-1", "--format=%ct"])));
    told.map(|time| time.trim().to_owned())
        .ok_or_else(|| "There is no git history to take the time from; set SOURCE_DATE_EPOCH.".to_owned())
}

/// The packages in a folder, without those of another version that an earlier build left.
fn of_this_version(folder: &Path, kind: &str) -> Result<Vec<PathBuf>, String> {
    let files = fs::read_dir(folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    let mut found: Vec<PathBuf> = files
        .flatten()
        .map(|file| file.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            path.extension().is_some_and(|ending| ending == kind)
                && PACKED.iter().any(|packed| is_package_of(&name, packed.program, env!("CARGO_PKG_VERSION")))
        })
        .collect();
    found.sort();
    if found.len() == PACKED.len() {
        Ok(found)
    } else {
        Err(format!(
            "There should be {} packages in {}, and there are {found:?}.",
            PACKED.len(),
            short(folder)
        ))
    }
}

/// `name_1.0.0-1_amd64.deb` or `name-1.0.0-1.x86_64.rpm`.
fn is_package_of(file: &str, program: &str, version: &str) -> bool {
    file.strip_prefix(program)
        .and_then(|rest| rest.strip_prefix(['_', '-']))
        .and_then(|rest| rest.strip_prefix(version))
        .is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_known_by_their_program_and_version() {
        for (file, program, known) in [
            ("concord_0.1.0-1_amd64.deb", "concord", true),
            ("concord-0.1.0-1.x86_64.rpm", "concord", true),
            ("concord-desktop_0.1.0-1_amd64.deb", "concord-desktop", true),
            ("concord-desktop_0.1.0-1_amd64.deb", "concord", false),
            ("concord_0.0.9-1_amd64.deb", "concord", false),
            ("concord_0.1.00-1_amd64.deb", "concord", false),
        ] {
            assert_eq!(is_package_of(file, program, "0.1.0"), known, "{file} {program}");
        }
    }

    #[test]
    fn what_is_compiled_is_told_no_folder_of_this_computer_and_no_time() {
        let mut command = Command::new("cargo");
        as_anywhere(&mut command, Path::new("/somewhere/target")).unwrap();
        let set = |name: &str| {
            let found = command.get_envs().find(|(known, _)| *known == name).and_then(|(_, value)| value);
            found.unwrap().to_string_lossy().into_owned()
        };
        let rust = set("CARGO_ENCODED_RUSTFLAGS");
        assert!(rust.contains(&format!("--remap-path-prefix={}=/concord\u{1f}", root().display())), "{rust}");
        assert!(rust.contains("--remap-path-prefix=/somewhere/target=/concord/target"), "{rust}");
        assert!(set("CFLAGS").contains("-ffile-prefix-map=/somewhere/target=/concord/target"));
        assert_eq!(set("CFLAGS"), set("CXXFLAGS"));
        assert_eq!(set("SOURCE_DATE_EPOCH"), "0");
    }
}
