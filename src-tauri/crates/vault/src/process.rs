//! What the memory of this process is kept from: core files, and other processes of the same user.

use std::io;

/// From now on this process writes no core file. Programs that hold a vault call it first. Swap is not covered: use an
/// encrypted one.
///
/// # Errors
/// When the system refuses. Secrets are then no worse off than those of other programs.
#[cfg(unix)]
pub fn write_no_core_file() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// Nothing to do: these systems write no core files by themselves.
#[cfg(not(unix))]
pub fn write_no_core_file() -> io::Result<()> {
    Ok(())
}

/// [`write_no_core_file`], and on Linux no other process of the same user can read this one's memory or attach to it; root
/// can. Not for a program with windows: desktop portals look at a program's `/proc`, which this closes to them too.
///
/// # Errors
/// When the system refuses.
pub fn keep_memory_private() -> io::Result<()> {
    write_no_core_file()?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    use super::*;

    #[test]
    fn a_crash_leaves_no_core_file_and_nobody_attaches() {
        keep_memory_private().unwrap();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
