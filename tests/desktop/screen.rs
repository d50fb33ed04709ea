//! A desktop of its own for one test: display, session bus, keyring, driver, and the real application on it.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use acceptance::webdriver::{Outcome, PATIENCE, Session, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::picture::png_of;

const INSTALL: &str = "apt-get install xvfb dbus gnome-keyring webkit2gtk-driver openbox wmctrl";
const BUILD: &str = "(cd ui && npm ci && npm run build) && cargo build -p concord-desktop";

/// A session bus that starts nothing by itself: an installed keyring would be started as soon as it is asked for.
const BUS_WITHOUT_SERVICES: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"#;

/// The application on a desktop of its own. Everything ends with it.
pub struct Screen {
    /// The application's window.
    pub app: Session,
    folders: TempDir,
    surroundings: Surroundings,
    driver_address: String,
    // In this order: the application's driver goes before what it needs.
    _driver: Group,
    _manager: Option<Group>,
    _keyring: Option<Group>,
    _bus: Group,
    _display: Group,
}

/// A process that was started here, with all that it started.
struct Group(Child);

impl Group {
    fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        match command.spawn() {
            Ok(child) => Self(child),
            Err(problem) => panic!("{program} cannot be started ({problem}). On Debian: {INSTALL}"),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        // Whoever has ended already cannot be ended again.
        Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status().ok();
        self.0.wait().ok();
    }
}

/// What the processes of one desktop are told of it, and nothing of the desktop that the test runs on.
struct Surroundings(Vec<(&'static str, OsString)>);

impl Surroundings {
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for foreign in ["WAYLAND_DISPLAY", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "CONCORD_PASSPHRASE"] {
            command.env_remove(foreign);
        }
        command.envs(self.0.iter().cloned()).stdin(Stdio::null());
        command
    }
}

/// What is special about a screen.
pub struct Setup<'a> {
    /// What the application is started with.
    pub arguments: &'a [&'a str],
    /// What is in its data folder before.
    pub prepare: fn(&Path),
    /// Whether windows have a manager: without one nothing is maximized, minimized or brought to the front.
    pub managed: bool,
    /// What keeps keys there.
    pub keyring: Keyring,
}

/// The keyring of a desktop.
#[derive(Clone, Copy, PartialEq)]
pub enum Keyring {
    Unlocked,
    /// It answers, but keeps nothing: it has no collection, and nobody is there who could be asked for a password.
    Shut,
    Absent,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { arguments: &[], prepare: |_| (), managed: false, keyring: Keyring::Unlocked }
    }
}

impl Screen {
    /// Starts the application with its own home and data folder.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::set_up(Setup { arguments, ..Setup::default() }).await
    }

    /// The same on a screen of another kind.
    pub async fn set_up(Setup { arguments, prepare, managed, keyring }: Setup<'_>) -> Self {
        let folders = tempfile::tempdir().unwrap();
        for name in ["home", "run", "data", "display"] {
            let folder = folders.path().join(name);
            fs::create_dir(&folder).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        }
        prepare(&folders.path().join("data"));

        let (display, number) = spoken(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp", "-fbdir"])
                .arg(folders.path().join("display")),
        );
        let mut surroundings = Surroundings(vec![
            ("HOME", folders.path().join("home").into()),
            ("XDG_RUNTIME_DIR", folders.path().join("run").into()),
            ("DISPLAY", format!(":{number}").into()),
            ("CONCORD_DATA_DIR", folders.path().join("data").into()),
            ("CONCORD_OAUTH_WINDOW_SHARED", "1".into()),
            ("CONCORD_LOG", "debug".into()),
        ]);
        let mut bus = surroundings.command("dbus-daemon");
        if keyring == Keyring::Unlocked {
            bus.arg("--session");
        } else {
            let config = folders.path().join("bus.conf");
            fs::write(&config, BUS_WITHOUT_SERVICES).unwrap();
            bus.arg(format!("--config-file={}", config.display()));
        }
        let (bus, address) = spoken(bus.args(["--nofork", "--print-address=1"]));
        surroundings.0.push(("DBUS_SESSION_BUS_ADDRESS", address.into()));
        let keyring = match keyring {
            Keyring::Unlocked => Some(keyring_daemon(&surroundings, Some("a password for tests\n")).await),
            Keyring::Shut => Some(keyring_daemon(&surroundings, None).await),
            Keyring::Absent => None,
        };
        let manager = if managed { Some(manager(&surroundings, folders.path()).await) } else { None };

        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let driver = Group::start(
            surroundings
                .command("WebKitWebDriver")
                .arg(format!("--port={port}"))
                .env("TAURI_WEBVIEW_AUTOMATION", "true"),
        );
        let driver_address = format!("http://127.0.0.1:{port}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        until("WebDriver", async || http.get(format!("{driver_address}/status")).send().await.ok()).await;

        let app = begin(&driver_address, arguments).await;
        Self {
            app,
            folders,
            surroundings,
            driver_address,
            _driver: driver,
            _manager: manager,
            _keyring: keyring,
            _bus: bus,
            _display: display,
        }
    }

    /// Ends the application and starts it again over what it has left.
    pub async fn start_again(&mut self) {
        self.end().await.unwrap();
        self.app = begin(&self.driver_address, &[]).await;
    }

    /// Starts the application a second time beside the first, and waits for its end.
    pub async fn start_second(&self, arguments: &[&str]) -> Output {
        let second = self
            .surroundings
            .command(program())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let waiting = tokio::task::spawn_blocking(|| second.wait_with_output().unwrap());
        tokio::time::timeout(PATIENCE, waiting).await.expect("the second one has to end").unwrap()
    }

    /// The address of its session bus.
    pub fn bus(&self) -> &str {
        let bus = self.surroundings.0.iter().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS");
        bus.and_then(|(_, address)| address.to_str()).unwrap()
    }

    /// Where the application keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.folders.path().join("data")
    }

    /// The home folder of whoever sits there.
    pub fn home(&self) -> PathBuf {
        self.folders.path().join("home")
    }

    /// What the application wrote into its log.
    pub fn log(&self) -> String {
        let Ok(files) = fs::read_dir(self.data_dir().join("logs")) else { return String::new() };
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default()).collect()
    }

    /// Keeps a picture of what is on the screen for people to look at.
    pub async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures");
        fs::create_dir_all(&folder).unwrap();
        // What the page says may be a frame ahead of what it shows.
        let shown = "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))";
        self.app.run(shown, &[]).await.unwrap();
        let dump = fs::read(self.folders.path().join("display/Xvfb_screen0")).unwrap();
        fs::write(folder.join(format!("desktop-{name}.png")), png_of(&dump).unwrap()).unwrap();
    }

    /// Closes the application's window as its person does; a manager has to be there.
    pub fn close(&self) {
        let closed = self.surroundings.command("wmctrl").args(["-c", "Concord"]).status();
        let closed = closed.unwrap_or_else(|problem| panic!("wmctrl ({problem}). On Debian: {INSTALL}"));
        assert!(closed.success(), "there is no window to close");
    }

    /// Ends the application in good order, so that all of its files are written.
    pub async fn end(&self) -> Outcome<()> {
        self.app.end().await
    }
}

/// Calls a command of the application as its page would. The refusal is the page's, too.
pub async fn call(app: &Session, command: &str, request: Value) -> Result<Value, Value> {
    let script = "return window.__TAURI_INTERNALS__.invoke(arguments[0], { request: arguments[1] })
        .then(answer => ({ answer }), refusal => ({ refusal }))";
    let mut outcome = app.run(script, &[json!(command), request]).await.unwrap();
    match outcome.get_mut("refusal") {
        Some(refusal) => Err(refusal.take()),
        None => Ok(outcome["answer"].take()),
    }
}

async fn begin(driver: &str, arguments: &[&str]) -> Session {
    let program = program();
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    match Session::start(driver, &program, &arguments).await {
        Ok(app) => app,
        Err(problem) => panic!("{} did not start: {problem}", program.display()),
    }
}

/// The application under test.
fn program() -> PathBuf {
    let program = env::var_os("CONCORD_DESKTOP_BIN").map_or_else(
        || {
            let this = env::current_exe().unwrap();
            let profile = this.ancestors().nth(2).expect("test programs are in <profile>/deps");
            profile.join("concord-desktop")
        },
        PathBuf::from,
    );
    assert!(
        program.is_file(),
        "there is no application at {}. Build it with: {BUILD}\nor name it in CONCORD_DESKTOP_BIN.",
        program.display()
    );
    program
}

/// Starts a program that says in its first line how it can be reached.
fn spoken(command: &mut Command) -> (Group, String) {
    let mut group = Group::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut line = String::new();
    BufReader::new(group.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{} ended at once", command.get_program().display());
    (group, line.trim().to_owned())
}

/// A keyring that is forgotten with the home folder, as soon as it is on the bus; unlocked if it is given a password.
async fn keyring_daemon(surroundings: &Surroundings, password: Option<&str>) -> Group {
    let mut command = surroundings.command("gnome-keyring-daemon");
    command.args(["--foreground", "--components=secrets"]).args(password.map(|_| "--unlock"));
    let mut group = Group::start(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()));
    group.0.stdin.take().unwrap().write_all(password.unwrap_or_default().as_bytes()).unwrap();
    until("keyring on the session bus", async || {
        let owned = surroundings
            .command("dbus-send")
            .args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/"])
            .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&owned.stdout).contains("true").then_some(())
    })
    .await;
    group
}

/// A window manager, as soon as it manages.
async fn manager(surroundings: &Surroundings, folder: &Path) -> Group {
    let there = folder.join("manager-is-there");
    let mut command = surroundings.command("openbox");
    command.arg("--sm-disable").arg("--startup").arg(format!("touch {}", there.display()));
    let manager = Group::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    until("window manager", async || there.exists().then_some(())).await;
    manager
}
