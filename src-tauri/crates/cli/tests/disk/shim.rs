//! A disk that fails at a moment, and what a process did to it: `disk.c`, built and loaded.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
};

/// How the disk misbehaves. Moments count from 1; see `disk.c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing, and everything is written down.
    None,
    /// The process ends before a step.
    Kill(u64),
    /// The process ends in the middle of a step.
    Tear(u64),
    /// One step fails.
    Fails(u64),
    /// Every step fails from one on.
    Dies(u64),
    /// Half of a write is done, and then there is no space.
    Short(u64),
    /// There is no space from a step on.
    Full(u64),
    /// A read fails.
    Read(u64),
}

impl Trouble {
    /// The same at half the way, if that is another moment.
    pub fn sooner(self) -> Option<Self> {
        let (again, moment): (fn(u64) -> Self, u64) = match self {
            Self::None => return None,
            Self::Kill(n) => (Self::Kill, n),
            Self::Tear(n) => (Self::Tear, n),
            Self::Fails(n) => (Self::Fails, n),
            Self::Dies(n) => (Self::Dies, n),
            Self::Short(n) => (Self::Short, n),
            Self::Full(n) => (Self::Full, n),
            Self::Read(n) => (Self::Read, n),
        };
        (moment > 1).then(|| again(moment / 2))
    }

    fn words(self) -> String {
        match self {
            Self::None => "none:0".into(),
            Self::Kill(n) => format!("kill:{n}"),
            Self::Tear(n) => format!("tear:{n}"),
            Self::Fails(n) => format!("eio:{n}"),
            Self::Dies(n) => format!("dead:{n}"),
            Self::Short(n) => format!("short:{n}"),
            Self::Full(n) => format!("full:{n}"),
            Self::Read(n) => format!("read:{n}"),
        }
    }
}

/// What a process did to its folder, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Make(String),
    Write {
        name: String,
        offset: usize,
        data: Vec<u8>,
    },
    Cut {
        name: String,
        length: usize,
    },
    Sync(String),
    Remove(String),
    Rename {
        from: String,
        to: String,
    },
    Folder(String),
    /// Not a step: it changes nothing.
    Read,
    /// The disk said no.
    Refused,
}

/// The library, built once by the compiler that also links these tests.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk/disk.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(folder).unwrap();
        let built = folder.join("disk.so");
        // Tests run side by side as processes of their own: each builds under a name of its own and puts it in place.
        let own = folder.join(format!("disk.{}.so", process::id()));
        let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
        let made = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&own)
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .status()
            .unwrap_or_else(|error| panic!("{compiler} cannot be started: {error}"));
        assert!(made.success(), "{compiler} does not build tests/disk/disk.c");
        fs::rename(own, &built).unwrap();
        built
    })
}

/// Puts a process on a disk of its own that keeps its steps in `log`.
pub fn on_disk(command: &mut Command, folder: &Path, log: &Path, trouble: Trouble) {
    let _ = fs::remove_file(log);
    command
        .env("LD_PRELOAD", library())
        .env("DISK_FOLDER", folder)
        .env("DISK_LOG", log)
        .env("DISK_FAULT", trouble.words());
}

/// The steps of a log. The last one may be half there, when its process was killed.
pub fn steps(log: &Path) -> Vec<Step> {
    let bytes = fs::read(log).unwrap_or_default();
    let mut rest = bytes.as_slice();
    let mut steps = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(17) {
        let number = |at: usize, length: usize| {
            let mut bytes = [0; 8];
            bytes[..length].copy_from_slice(&head[at..at + length]);
            usize::try_from(u64::from_le_bytes(bytes)).unwrap()
        };
        let (letters, length, offset) = (number(1, 4), number(5, 4), number(9, 8));
        let Some((name, after)) = after.split_at_checked(letters) else { break };
        let Some((data, after)) = after.split_at_checked(length) else { break };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let name = text(name);
        steps.push(match head[0] {
            b'C' => Step::Make(name),
            b'W' => Step::Write { name, offset, data: data.to_vec() },
            b'T' => Step::Cut { name, length: offset },
            b'S' => Step::Sync(name),
            b'U' => Step::Remove(name),
            b'R' => Step::Rename { from: name, to: text(data) },
            b'M' => Step::Folder(name),
            b'r' => Step::Read,
            b'!' => Step::Refused,
            other => panic!("a step `{other}` in {}", log.display()),
        });
        rest = after;
    }
    steps
}
