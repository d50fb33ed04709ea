//! Runs the tools: streams what they say to the terminal, and keeps it where something has to be read from it.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal as _, Read, Write},
    process::{Command, Stdio},
    thread,
};

/// How a tool ended.
pub struct Ended {
    /// Whether it ended well.
    pub ok: bool,
    /// What it said on both channels, without colours.
    pub said: String,
}

/// A command at the workspace's root.
pub fn tool(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(crate::workspace::root());
    command
}

/// Cargo, the one that runs this errand.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = tool(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments);
    // What describes this package would make build scripts that look at it run again.
    for (name, _) in std::env::vars_os() {
        let described = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
                || name == "CARGO_PRIMARY_PACKAGE"
        });
        if described {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a tool on the terminal as it is.
pub fn run(command: &mut Command) -> Result<(), String> {
    announce(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` failed ({status}).", line(command))),
        Err(problem) => Err(format!("`{}` could not be started: {problem}.", line(command))),
    }
}

/// Runs a tool, shows what it says and keeps it.
pub fn watch(command: &mut Command) -> Ended {
    announce(command);
    if io::stdout().is_terminal() {
        // They write to a pipe and would leave the colours out.
        command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    }
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(problem) => {
            let said = format!("`{}` could not be started: {problem}.", line(command));
            eprintln!("{said}");
            return Ended { ok: false, said };
        }
    };
    let aside = child.stderr.take().map(|errors| thread::spawn(move || pass_on(errors, io::stderr())));
    let mut said = child.stdout.take().map(|results| pass_on(results, io::stdout())).unwrap_or_default();
    if let Some(errors) = aside.and_then(|reader| reader.join().ok()) {
        said.extend(b"\n");
        said.extend(errors);
    }
    let ok = child.wait().is_ok_and(|status| status.success());
    Ended { ok, said: without_colours(&String::from_utf8_lossy(&said)) }
}

/// What a tool says on stdout, when it ends well. Nothing is shown.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program is on the path.
pub fn there_is(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// The command as it would be typed.
pub fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn announce(command: &Command) {
    let place =
        command.get_current_dir().and_then(|folder| folder.strip_prefix(crate::workspace::root()).ok());
    match place.filter(|place| !place.as_os_str().is_empty()) {
        Some(place) => println!("({}) $ {}", place.display(), line(command)),
        None => println!("$ {}", line(command)),
    }
}

fn pass_on(mut from: impl Read, mut to: impl Write) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0; 8192];
    while let Ok(length) = from.read(&mut chunk) {
        let Some(said) = chunk.get(..length).filter(|said| !said.is_empty()) else { break };
        kept.extend(said);
        // A closed terminal does not end the tests.
        let _ = to.write_all(said).and_then(|()| to.flush());
    }
    kept
}

fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if char != '\u{1b}' {
            plain.push(char);
        } else if rest.next() == Some('[') {
            // A control sequence ends with its first letter.
            rest.find(char::is_ascii_alphabetic);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out() {
        for (colourful, plain) in [
            ("plain", "plain"),
            ("\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] 3 tests", "     Summary [ 0.1s] 3 tests"),
            ("\u{1b}[2K\u{1b}[1A  5 passed", "  5 passed"),
            ("cut off \u{1b}[3", "cut off "),
            ("cut off \u{1b}", "cut off "),
        ] {
            assert_eq!(without_colours(colourful), plain);
        }
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        assert_eq!(line(&tool("/usr/bin/npm", &["run", "build"])), "npm run build");
    }

    #[test]
    fn what_a_tool_says_is_kept_and_its_end_told() {
        let ended = watch(&mut tool("sh", &["-c", "echo out; echo err >&2; exit 3"]));
        assert!(!ended.ok);
        assert!(ended.said.contains("out") && ended.said.contains("err"), "{}", ended.said);
        assert!(watch(&mut tool("true", &[])).ok);
        assert!(!watch(&mut tool("there-is-no-such-program", &[])).ok);
    }
}
