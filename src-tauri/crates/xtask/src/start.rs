//! `cargo xtask run`: from a fresh checkout to the open application.

use crate::{
    node, packages,
    tool::{cargo, run as run_tool, tool},
    workspace::root,
};

/// Prepares the system and the UI, then starts the application, or the demo where there is no display.
///
/// # Errors
/// With what is missing and what to do about it.
pub fn run(arguments: &[String]) -> Result<(), String> {
    packages::ensure(packages::BUILD).map_err(|problem| {
        format!("{problem}\nWithout a window, `cargo run -p cli -- demo` needs none of these packages.")
    })?;
    let node = node::check()?;
    let ui = root().join("ui");
    node::install(&ui)?;
    run_tool(tool("npm", &["run", "build"]).current_dir(&ui))?;

    let mut passed =
        format!("system packages, Node {}, the UI from its lock file", node.trim_start_matches('v'));
    if has_display(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        run_tool(&mut cargo(&["build", "--package", "concord-desktop"]))?;
        passed.push_str(", the desktop application");
        println!("Ready: {passed}. Concord starts with its HubSpot sandbox; close its window to end it.");
        let mut command = cargo(&["run", "--quiet", "--package", "concord-desktop", "--", "--with-sandbox"]);
        run_tool(command.args(arguments))?;
        println!("Passed: {passed}; it ran and ended in good order.");
    } else {
        println!(
            "There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set), so the demo runs here in the terminal."
        );
        let mut command = cargo(&["run", "--quiet", "--package", "cli", "--", "demo"]);
        run_tool(command.args(arguments))?;
        println!("Passed: {passed}, the demo in the terminal.");
    }
    Ok(())
}

/// Whether a window can be shown, by the names that are set in the environment.
fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_display_is_x11_or_wayland() {
        for (set, there) in
            [(&[][..], false), (&["DISPLAY"], true), (&["WAYLAND_DISPLAY"], true), (&["TERM"], false)]
        {
            assert_eq!(has_display(|name| set.contains(&name)), there, "{set:?}");
        }
    }
}
