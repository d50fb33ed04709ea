//! `cargo xtask startup`: how long from the start of the released application to a window that shows its first screen whole
//! and answers.
//!
//! Nothing in the application knows of it. A display in memory (Xvfb) keeps its picture in a file; this looks at the file from
//! outside. The first screen is there when the picture has changed for the last time, and it answers when it reacts to a key.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    node, packages,
    tool::{ask, cargo, run, tool},
    workspace::{Workspace, program, root},
};

/// A display, a session bus with a keyring, and a hand on the keyboard.
const NEEDED: [&str; 5] = ["xvfb", "dbus", "dbus-daemon", "gnome-keyring", "xdotool"];

/// What a start may take, in the median.
const BAR: Duration = Duration::from_secs(1);

/// A picture that has not changed for so long is whole.
const QUIET: Duration = Duration::from_millis(1_500);

/// After so long there will be no window any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at the picture, which also is the error of what is measured.
const LOOK: Duration = Duration::from_millis(5);

/// Every so many lines of the picture are looked at; the smallest writing is higher.
const EVERY: usize = 6;

const SIZE: (usize, usize) = (1280, 860);

/// One start of the application.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// Until there was anything of it on the display.
    window: Duration,
    /// Until its first screen was whole.
    whole: Duration,
    /// From a key to its effect.
    answer: Duration,
    /// What all of its processes had the processors do until its first screen was there, whatever else they had to do.
    work: Duration,
}

/// In which state the application finds the computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nobody has ever started it: no data folder, nothing in the home folder.
    First,
    /// The same, and the sample is made before the screen is whole.
    FirstWithSample,
    /// Over the sample, soon after it was started before.
    Again,
    /// Over the sample, with every file read from disk.
    FromDisk,
}

impl Kind {
    const ALL: [Self; 4] = [Self::First, Self::FirstWithSample, Self::Again, Self::FromDisk];

    fn words(self) -> &'static str {
        match self {
            Self::First => "the first start of all, to the two doors",
            Self::FirstWithSample => "the first start of all, with the sample made on the way",
            Self::Again => "started again",
            Self::FromDisk => "started again, every file read from disk",
        }
    }

    /// Whether the bar is for it. Making the sample is work that somebody has asked for.
    fn is_held(self) -> bool {
        self != Self::FirstWithSample
    }
}

/// Starts the application again and again: as often in each state, and several applications in turn, so that whatever
/// else the computer does hits all of them. `--program PATH` takes one that is there instead of building it, and may be
/// given more than once; `--runs N` is how often.
///
/// # Errors
/// When it does not start, or takes longer than the bar.
pub fn measure(arguments: &[String]) -> Result<(), String> {
    let (mut given, mut runs) = (Vec::new(), 7);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--program", Some(path)) => given.push(PathBuf::from(path)),
            ("--runs", Some(number)) => {
                runs = number.parse().map_err(|_| format!("`{number}` is no number of runs."))?;
            }
            _ => return Err("cargo xtask startup [--runs N] [--program PATH]...".to_owned()),
        }
    }
    packages::ensure(&NEEDED)?;
    if given.is_empty() {
        given.push(built()?);
    }
    let folder = root().join("target/startup");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    }
    let desk = Desk::set_up(&folder)?;
    let mut kinds = Kind::ALL.to_vec();
    let mut starts = Vec::new();
    for _ in 0..runs {
        for (place, application) in given.iter().enumerate() {
            for kind in kinds.clone() {
                match kind {
                    Kind::First | Kind::FirstWithSample => desk.forget_everything()?,
                    Kind::Again => {}
                    Kind::FromDisk if forget_files() => {}
                    Kind::FromDisk => {
                        println!(
                            "Only root may make the system forget the files that it has read: not measured after that."
                        );
                        kinds.retain(|kind| *kind != Kind::FromDisk);
                        continue;
                    }
                }
                let sample: &[&str] = if kind == Kind::FirstWithSample { &["--with-sandbox"] } else { &[] };
                starts.push((place, kind, desk.start(application, sample, kind)?));
            }
        }
    }
    let mut slow = Vec::new();
    for (place, application) in given.iter().enumerate() {
        println!("{}", application.display());
        for kind in &kinds {
            let of_kind: Vec<Start> = starts
                .iter()
                .filter(|start| (start.0, start.1) == (place, *kind))
                .map(|start| start.2)
                .collect();
            told(kind.words(), &of_kind);
            let median = middle(of_kind.iter().map(|start| start.whole));
            if kind.is_held() && median > BAR {
                slow.push(format!("{}: {median:.2?} in the median.", kind.words()));
            }
        }
    }
    println!("The first screen of the last start of each kind is in target/startup, in the format of xwd.");
    let errors = desk.errors();
    if !errors.is_empty() {
        return Err(format!("The application's log has errors:\n{}", errors.join("\n")));
    }
    if !slow.is_empty() {
        return Err(format!(
            "A start may take {BAR:?} to a whole first screen, and took longer:\n{}",
            slow.join("\n")
        ));
    }
    println!("Passed: no start takes longer than {BAR:?} to a whole first screen, in the median of {runs}.");
    Ok(())
}

fn built() -> Result<PathBuf, String> {
    packages::ensure(packages::BUILD)?;
    node::check()?;
    let ui = root().join("ui");
    node::install(&ui)?;
    run(tool("npm", &["run", "build"]).current_dir(&ui))?;
    run(&mut cargo(&["build", "--release", "--locked", "--package", "concord-desktop"]))?;
    Ok(program(&Workspace::read()?.released(), "concord-desktop"))
}

fn told(what: &str, starts: &[Start]) {
    let line = |of: fn(&Start) -> Duration| {
        let times = || starts.iter().map(of);
        let (fastest, slowest) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
        format!("{:>5} ms ({} to {})", middle(times()).as_millis(), fastest.as_millis(), slowest.as_millis())
    };
    println!("  {what}, median of {} (fastest to slowest):", starts.len());
    println!("    a window             {}", line(|start| start.window));
    println!("    the first screen     {}", line(|start| start.whole));
    println!("    answer to a key      {}", line(|start| start.answer));
    println!("    processor time       {}", line(|start| start.work));
}

/// The median, of an even number the larger of the two in the middle.
fn middle(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Makes the system read every file from disk again. Only root may.
fn forget_files() -> bool {
    ask(&mut tool("sync", &[])).is_some() && fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// A display with a session bus and a keyring, and folders for the application.
struct Desk {
    folder: PathBuf,
    surroundings: Vec<(&'static str, String)>,
    // Ended in this order.
    _keyring: Ended,
    _bus: Ended,
    _display: Ended,
}

/// A process that ends with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Whoever has ended already cannot be ended again.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Desk {
    fn set_up(folder: &Path) -> Result<Self, String> {
        let cannot = |problem: std::io::Error| format!("{}: {problem}", folder.display());
        for name in ["display", "home", "run", "data"] {
            let folder = folder.join(name);
            fs::create_dir_all(&folder).map_err(cannot)?;
            fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
                .map_err(cannot)?;
        }
        let (width, height) = SIZE;
        let mut display = tool("Xvfb", &["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"]);
        display.arg(format!("{width}x{height}x24")).arg("-fbdir").arg(folder.join("display"));
        let (display, number) = spoken(&mut display)?;
        let in_folder = |name: &str| folder.join(name).display().to_string();
        let mut surroundings = vec![
            ("DISPLAY", format!(":{number}")),
            ("HOME", in_folder("home")),
            ("XDG_RUNTIME_DIR", in_folder("run")),
            ("CONCORD_DATA_DIR", in_folder("data")),
        ];
        let (bus, address) = spoken(surrounded(&surroundings, "dbus-daemon").args([
            "--session",
            "--nofork",
            "--print-address=1",
        ]))?;
        surroundings.push(("DBUS_SESSION_BUS_ADDRESS", address));
        let mut keyring = surrounded(&surroundings, "gnome-keyring-daemon");
        keyring.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped());
        let mut keyring =
            keyring.stderr(Stdio::null()).stdout(Stdio::null()).spawn().map(Ended).map_err(cannot)?;
        if let Some(mut password) = keyring.0.stdin.take() {
            password.write_all(b"a password for measuring\n").map_err(cannot)?;
        }
        let owned = ["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/"];
        let begun = now();
        loop {
            let mut asked = surrounded(&surroundings, "dbus-send");
            asked.args(owned).args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
            if ask(&mut asked).is_some_and(|answer| answer.contains("true")) {
                break;
            }
            if now() - begun > PATIENCE {
                return Err("The keyring did not come to the session bus.".to_owned());
            }
            pause();
        }
        Ok(Self { folder: folder.to_owned(), surroundings, _keyring: keyring, _bus: bus, _display: display })
    }

    /// Leaves nothing of earlier starts, as on a computer that has never seen the application. The keyring stays.
    fn forget_everything(&self) -> Result<(), String> {
        for name in ["data", "home/.cache", "home/.local/share/org.concord.Concord"] {
            let gone = self.folder.join(name);
            if gone.exists() {
                fs::remove_dir_all(&gone).map_err(|problem| format!("{}: {problem}", gone.display()))?;
            }
        }
        Ok(())
    }

    /// Starts the application, looks until it is there, presses a key, and ends it in good order.
    fn start(&self, application: &Path, arguments: &[&str], kind: Kind) -> Result<Start, String> {
        let picture = Picture::open(&self.folder.join("display/Xvfb_screen0"))?;
        let empty = picture.look()?;
        let begun = now();
        let mut command = surrounded(&self.surroundings, application);
        let quiet = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let started = quiet.spawn().map(Ended);
        let mut started = started.map_err(|problem| format!("{}: {problem}", application.display()))?;
        let (mut seen, mut written, mut window, mut changed) = (empty.clone(), false, None, begun);
        while !written || now() - changed < QUIET {
            let looked = picture.look()?;
            let at = now();
            if looked != seen {
                window.get_or_insert(at);
                // Only now: the processors are the application's as long as nothing happens.
                written = is_written_on(&looked);
                (seen, changed) = (looked, at);
            }
            if at - begun > PATIENCE {
                return Err(format!("There was no window that came to rest within {PATIENCE:?}."));
            }
            if let Ok(Some(ended)) = started.0.try_wait() {
                return Err(format!("The application ended at once ({ended})."));
            }
            pause();
        }
        let work = work_of(started.0.id());
        let kept = self.folder.join(format!("{kind:?}.xwd"));
        fs::copy(self.folder.join("display/Xvfb_screen0"), &kept)
            .map_err(|problem| format!("{}: {problem}", kept.display()))?;
        let asked = now();
        let pressed = ask(surrounded(&self.surroundings, "xdotool").args(["key", "ctrl+k"]));
        pressed.ok_or("xdotool could not press a key.")?;
        while picture.look()? == seen {
            if now() - asked > PATIENCE {
                return Err("The window does not answer: nothing happened after Ctrl+K.".to_owned());
            }
            pause();
        }
        let answer = now() - asked;
        ask(tool("kill", &["-TERM"]).arg(started.0.id().to_string()));
        started.0.wait().map_err(|problem| problem.to_string())?;
        // The display is empty again before the next start.
        while picture.look()? != empty {
            if now() - asked > PATIENCE {
                return Err("The window is still there after its application has ended.".to_owned());
            }
            pause();
        }
        Ok(Start { window: window.map_or(PATIENCE, |at| at - begun), whole: changed - begun, answer, work })
    }

    /// What the application's log says went wrong.
    fn errors(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.join("data/logs")).into_iter().flatten().flatten();
        let text: String = files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect();
        text.lines().filter(|line| line.contains(" ERROR ")).map(str::to_owned).collect()
    }
}

/// A program on this desk and no other.
fn surrounded(surroundings: &[(&str, String)], program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = tool(program, &[]);
    for foreign in ["WAYLAND_DISPLAY", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "CONCORD_PASSPHRASE"] {
        command.env_remove(foreign);
    }
    command.envs(surroundings.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    command
}

/// Starts a program that says in its first line how it is reached.
fn spoken(command: &mut Command) -> Result<(Ended, String), String> {
    let mut started = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Ended)
        .map_err(|problem| format!("{}: {problem}", command.get_program().display()))?;
    let mut line = String::new();
    if let Some(said) = started.0.stdout.take() {
        BufReader::new(said).read_line(&mut line).ok();
    }
    if line.trim().is_empty() {
        return Err(format!("{} ended at once.", command.get_program().display()));
    }
    Ok((started, line.trim().to_owned()))
}

/// The processor time of a process and of those that it started and that are still there.
fn work_of(first: u32) -> Duration {
    let processes: Vec<_> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|folder| Process::parse(&fs::read_to_string(folder.path().join("stat")).ok()?))
        .collect();
    let mut tree = BTreeSet::from([first]);
    // A child may be listed before its parent.
    while let Some(child) =
        processes.iter().find(|process| tree.contains(&process.parent) && !tree.contains(&process.id))
    {
        tree.insert(child.id);
    }
    processes.iter().filter(|process| tree.contains(&process.id)).map(|process| process.work).sum()
}

/// A line of `/proc/ID/stat`.
struct Process {
    id: u32,
    parent: u32,
    work: Duration,
}

impl Process {
    fn parse(line: &str) -> Option<Self> {
        let id = line.split_whitespace().next()?.parse().ok()?;
        // Its name may hold blanks and brackets.
        let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
        // In hundredths of a second, on every Linux of today.
        let work = Duration::from_millis((number(11)? + number(12)?) * 10);
        Some(Self { id, parent: u32::try_from(number(1)?).ok()?, work })
    }
}

/// Whether there is writing: its smooth edges have more colours than an empty window has.
fn is_written_on(seen: &[u8]) -> bool {
    let mut colours = BTreeSet::new();
    for pixel in seen.chunks_exact(4) {
        if colours.insert(pixel) && colours.len() > 24 {
            return true;
        }
    }
    false
}

/// What is on the display, in the file where Xvfb keeps it.
struct Picture {
    file: File,
    first_line: u64,
    line: usize,
    lines: usize,
}

impl Picture {
    fn open(path: &Path) -> Result<Self, String> {
        let cannot = |problem: std::io::Error| format!("{}: {problem}", path.display());
        let file = File::open(path).map_err(cannot)?;
        // The head of an X window dump: its length, the size of the picture, and a table of colours, in words of four bytes.
        let word = |place: u64| {
            let mut bytes = [0; 4];
            file.read_exact_at(&mut bytes, place * 4).map(|()| u64::from(u32::from_be_bytes(bytes)))
        };
        let (head, height) = (word(0).map_err(cannot)?, word(5).map_err(cannot)?);
        let (line, colours) = (word(12).map_err(cannot)?, word(19).map_err(cannot)?);
        Ok(Self { file, first_line: head + colours * 12, line: line as usize, lines: height as usize })
    }

    /// Every few lines of it, one after the other.
    fn look(&self) -> Result<Vec<u8>, String> {
        let mut seen = vec![0; self.lines.div_ceil(EVERY) * self.line];
        for (place, line) in seen.chunks_mut(self.line).enumerate() {
            let at = self.first_line + (place * EVERY * self.line) as u64;
            self.file.read_exact_at(line, at).map_err(|problem| format!("the display: {problem}"))?;
        }
        Ok(seen)
    }
}

#[allow(clippy::disallowed_methods, reason = "measuring is what this is for")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "a picture tells nobody when it changes")]
fn pause() {
    std::thread::sleep(LOOK);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_times() {
        for (times, expected) in [(&[3, 1, 2][..], 2), (&[5], 5), (&[4, 1, 3, 2], 3), (&[], 0)] {
            let times = times.iter().map(|time| Duration::from_millis(*time));
            assert_eq!(middle(times), Duration::from_millis(expected));
        }
    }

    #[test]
    fn an_empty_window_has_few_colours() {
        assert!(!is_written_on(&[0; 4000]));
        assert!(!is_written_on(&[[255, 255, 255, 0].repeat(500), [0; 400].to_vec()].concat()));
        let written: Vec<u8> = (0..100_u8).flat_map(|shade| [shade, shade, shade, 0]).collect();
        assert!(is_written_on(&written));
    }

    #[test]
    fn processor_time_is_read_behind_any_name() {
        let line = "42 (a (b) c) S 7 42 42 0 -1 4194560 900 0 1 0 12 5 0 0 20 0 9 0 1 1";
        let process = Process::parse(line).unwrap();
        assert_eq!((process.id, process.parent), (42, 7));
        assert_eq!(process.work, Duration::from_millis(170));
        assert!(Process::parse("").is_none());
    }

    #[test]
    fn a_picture_is_read_behind_its_head_and_colours() {
        let folder = std::env::temp_dir().join(format!("xtask-picture-{}", std::process::id()));
        let (head, colours, line, lines) = (100_u32, 2_u32, 8_u32, 13_u32);
        let mut dump = vec![0_u8; 25 * 4];
        for (place, word) in [(0, head), (5, lines), (12, line), (19, colours)] {
            dump[place * 4..place * 4 + 4].copy_from_slice(&word.to_be_bytes());
        }
        dump.extend(vec![9; 2 * 12]);
        dump.extend((0..lines).flat_map(|number| vec![number as u8; line as usize]));
        fs::write(&folder, dump).unwrap();
        let seen = Picture::open(&folder).unwrap().look().unwrap();
        fs::remove_file(&folder).unwrap();
        assert_eq!(seen, [[0; 8], [6; 8], [12; 8]].concat());
    }
}
