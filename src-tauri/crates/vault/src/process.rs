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

/// What this process's memory is kept from, and where it may end up all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryKept {
    /// No core file is written.
    pub no_core_file: bool,
    /// No other process of the same user can attach.
    pub nobody_attaches: bool,
    /// What swap lies on.
    pub swap: Swap,
}

/// Where the system puts memory that it needs for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// There is none.
    Off,
    /// Only in memory (zram) or on encrypted devices.
    Protected,
    /// On a file or a device that is not known to be encrypted.
    Plain,
    /// This system does not tell.
    Unknown,
}

/// How this process stands now.
pub fn memory_kept() -> MemoryKept {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

        let swap = match std::fs::read_to_string("/proc/swaps") {
            Ok(table) => swap_of(&table, &|device| {
                let uuid = std::fs::read_to_string(format!("/sys/block/{device}/dm/uuid"));
                uuid.is_ok_and(|uuid| uuid.starts_with("CRYPT-"))
            }),
            Err(_) => Swap::Unknown,
        };
        MemoryKept {
            no_core_file: getrlimit(Resource::Core).current == Some(0),
            nobody_attaches: dumpable_behavior()
                .is_ok_and(|behavior| behavior == DumpableBehavior::NotDumpable),
            swap,
        }
    }
    #[cfg(not(target_os = "linux"))]
    MemoryKept { no_core_file: true, nobody_attaches: false, swap: Swap::Unknown }
}

/// What a table in the form of `/proc/swaps` says. `encrypted` tells whether a mapped device (`dm-0`) is.
#[cfg(any(test, target_os = "linux"))]
fn swap_of(table: &str, encrypted: &dyn Fn(&str) -> bool) -> Swap {
    let mut found = Swap::Off;
    for line in table.lines().skip(1) {
        let Some(place) = line.split_whitespace().next() else { continue };
        let device = place.rsplit('/').next().unwrap_or(place);
        if !(device.starts_with("zram") || (device.starts_with("dm-") && encrypted(device))) {
            return Swap::Plain;
        }
        found = Swap::Protected;
    }
    found
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
        let kept = memory_kept();
        assert!(kept.no_core_file && kept.nobody_attaches, "{kept:?}");
    }

    #[test]
    fn swap_is_told_by_what_it_lies_on() {
        const HEAD: &str = "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        for (lines, expect) in [
            ("", Swap::Off),
            ("/dev/zram0 partition 8000 0 100\n", Swap::Protected),
            ("/dev/dm-1 partition 8000 0 -2\n", Swap::Protected),
            ("/dev/dm-2 partition 8000 0 -2\n", Swap::Plain),
            ("/dev/zram0 partition 8000 0 100\n/swapfile file 8000 0 -2\n", Swap::Plain),
            ("/dev/sda2 partition 8000 0 -2\n", Swap::Plain),
        ] {
            assert_eq!(swap_of(&format!("{HEAD}{lines}"), &|device| device == "dm-1"), expect, "{lines}");
        }
        assert_eq!(swap_of("", &|_| false), Swap::Off);
    }
}
