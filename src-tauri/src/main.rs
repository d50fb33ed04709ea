//! The desktop application `concord-desktop`; everything is in the library, so that tests can build it without a display.

// A console window beside the application would only confuse on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

/// As in the `concord` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    concord_desktop::run()
}
