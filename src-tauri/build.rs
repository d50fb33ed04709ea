//! Makes one permission per command, so that a window without the permission cannot call it.

use std::path::Path;

include!("command_names.rs");

fn main() {
    // The UI and the icons are embedded where the context is generated, which Cargo cannot see.
    for embedded in ["command_names.rs", "../ui/dist", "../icons"] {
        println!("cargo::rerun-if-changed={embedded}");
    }
    if !Path::new("../ui/dist/index.html").exists() {
        println!("cargo::error=the UI is not built; run `npm ci && npm run build` in ui/ first");
        return;
    }
    let attributes =
        tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(COMMAND_NAMES));
    if let Err(problem) = tauri_build::try_build(attributes) {
        println!("cargo::error=the desktop shell could not be prepared: {problem:#}");
    }
}
