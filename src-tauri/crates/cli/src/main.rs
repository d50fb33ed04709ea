//! The `concord` command: every use case of [`api`] from a terminal or a script.
//!
//! Invariants:
//! - Results go to stdout, everything else to stderr; the exit code is one of [`exit::Exit`] and says how it went.
//! - With `--json` stdout holds JSON documents and nothing else.
//! - A command that ends has finished what it began, or has left it where another one takes it up (a queue row, a held
//!   run).
//!
//! It must never decide anything about synchronisation itself, never print a secret that nobody asked for, and never take
//! one as an argument, where other people on the machine could see it.

mod arguments;
mod commands;
mod exit;
mod input;
mod interrupt;
mod logging;
mod output;
mod progress;
mod summary;

use std::process::ExitCode;

use clap::Parser;

use crate::{arguments::Arguments, exit::Failure, output::Output};

/// Records are made of many small texts: the system's allocator took an eighth of the instructions of a first load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for pages of 2 MiB and then fills a part of each: a fifth to a third of a first import's memory,
    // for no time that could be measured. Where the system refuses, it is only more memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let arguments = Arguments::parse();
    logging::start(arguments.verbose);
    if let Err(problem) = api::keep_memory_private() {
        tracing::warn!(%problem, "the system does not keep this process's memory from others");
    }
    let output = Output::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(problem) => {
            return output.failed(&Failure::error(format!("no threads could be started ({problem})"))).into();
        }
    };
    let ended = runtime.block_on(commands::run(arguments, &output));
    // Nothing that a command needs is still under way; a keyring that hangs must not keep the terminal.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => output.failed(&failure).into(),
    }
}
