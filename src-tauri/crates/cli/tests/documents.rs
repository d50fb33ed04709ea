//! What the documents say is true: each `console` block of the guide is typed into a shell, in order, with the files
//! that the page shows; each `concord` line of every document names commands and options that there are.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

/// What a page's shell begins with. A server that a page starts has to answer before the page goes on.
const OPENING: &str = r#"set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
answers() {
  for _ in {1..600}; do
    if (exec 3<>"/dev/tcp/${1%:*}/${1#*:}") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "nothing answers at $1" >&2
  return 1
}
ends_with() {
  local expected=$1 code=0
  shift
  "$@" || code=$?
  if [ "$code" != "$expected" ]; then echo "exit code $code instead of $expected" >&2; return 1; fi
}
"#;

/// A fenced block: what stands after the fence, and the lines within.
struct Block {
    about: Vec<String>,
    lines: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => found.push(block),
            (Some(about), None) => {
                let about = about.split_whitespace().map(str::to_owned).collect();
                open = Some(Block { about, lines: Vec::new() });
            }
            (None, Some(mut block)) => {
                block.lines.push(line.to_owned());
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

/// The addresses of a page with ports of this test's own, so that pages can be tried side by side.
fn with_free_ports(text: &str) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut ports = BTreeMap::new();
    let mut pieces = text.split(HOST);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (port, rest) = piece.split_at(digits);
        let free = ports.entry(port.to_owned()).or_insert_with(|| {
            let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
            (listener.local_addr().unwrap().port(), listener)
        });
        write!(out, "{HOST}{}{rest}", free.0).unwrap();
    }
    out
}

/// The shell script that types a page's commands.
fn script(blocks: &[Block]) -> String {
    let mut script = OPENING.to_owned();
    let console = blocks.iter().filter(|block| block.about.first().is_some_and(|word| word == "console"));
    for line in console.flat_map(|block| &block.lines) {
        let Some(command) = line.strip_prefix("$ ") else { continue };
        writeln!(script, "cat >&2 <<'TYPED'\n$ {command}\nTYPED").unwrap();
        let (command, code) = command.split_once("# exit code ").unwrap_or((command, ""));
        match (command.trim_end().strip_suffix('&'), code.trim()) {
            (Some(server), _) => {
                let address = server.split_whitespace().find(|word| word.starts_with("127.0.0.1:"));
                let address = address.expect("a server in a document names its address");
                writeln!(script, "{server} >&2 &\nanswers {address}").unwrap();
            }
            (None, "") => writeln!(script, "{command}").unwrap(),
            (None, code) => writeln!(script, "ends_with {code} {command}").unwrap(),
        }
    }
    script
}

/// Types a page of the guide.
fn typed(page: &str) {
    let text = fs::read_to_string(root().join("docs/guide").join(page)).unwrap();
    let blocks = blocks(&with_free_ports(&text));
    let folder = tempfile::tempdir().unwrap();
    for block in &blocks {
        if let [kind, name] = block.about.as_slice()
            && kind != "console"
        {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, block.lines.join("\n")).unwrap();
        }
    }
    let concord = Path::new(env!("CARGO_BIN_EXE_concord"));
    let mut path = vec![concord.parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let ran = Command::new("timeout")
        .args(["180", "bash", "-c", &script(&blocks)])
        .current_dir(folder.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("HOME", folder.path())
        .env("CONCORD_DATA_DIR", folder.path().join("data"))
        .env("CONCORD_PASSPHRASE", "a passphrase for tests")
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{page}: {}\n{}\n{}",
        ran.status,
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn the_first_steps_work() {
    typed("first-steps.md");
}

#[test]
fn the_page_on_hubspot_works() {
    typed("hubspot.md");
}

#[test]
fn the_page_on_salesforce_works() {
    typed("salesforce.md");
}

#[test]
fn the_page_on_scim_works() {
    typed("scim-and-wso2.md");
}

#[test]
fn the_page_on_moving_from_idm_works() {
    typed("moving-from-idm.md");
}

#[test]
fn the_page_on_safety_works() {
    typed("safety.md");
}

#[test]
fn the_page_on_troubles_works() {
    typed("troubleshooting.md");
}

#[test]
fn every_page_of_the_guide_is_tried_and_in_its_index() {
    let here = include_str!("documents.rs");
    let index = fs::read_to_string(root().join("docs/guide/README.md")).unwrap();
    for page in fs::read_dir(root().join("docs/guide")).unwrap() {
        let name = page.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            assert!(here.contains(&format!("typed(\"{name}\")")), "{name} is not tried");
            assert!(index.contains(&format!("({name})")), "{name} is not in the index");
        }
    }
}

/// Every Markdown file that people read.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    for folder in ["docs", "docs/guide"] {
        let pages = fs::read_dir(root().join(folder)).unwrap().map(|page| page.unwrap().path());
        found.extend(pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    found
}

/// The `concord ...` lines of a document's blocks, and its `concord ...` between backticks.
fn command_lines(text: &str) -> BTreeSet<String> {
    let mut prose = String::new();
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            found.extend(line.strip_prefix("$ ").unwrap_or(line).strip_prefix("concord ").map(str::to_owned));
        } else {
            prose.push_str(line);
            prose.push(' ');
        }
    }
    let quoted = prose.split('`').skip(1).step_by(2);
    found.extend(quoted.filter_map(|code| code.strip_prefix("concord ")).map(str::to_owned));
    found
}

#[test]
fn the_documents_name_commands_and_options_that_there_are() {
    let help = |path: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_concord")).args(path).arg("--help").output().unwrap();
        assert!(out.status.success(), "`concord {}` is no command", path.join(" "));
        String::from_utf8(out.stdout).unwrap()
    };
    let mut seen = 0;
    for document in documents() {
        for line in command_lines(&fs::read_to_string(&document).unwrap()) {
            let line = line.split(" #").next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            if words
                .first()
                .is_none_or(|word| !word.starts_with(|c: char| c.is_ascii_lowercase() || c == '-'))
            {
                continue;
            }
            let mut path = Vec::new();
            let mut about = help(&[]);
            for word in words.iter().filter(|word| !word.starts_with('-')) {
                let named = about.lines().any(|line| line.split_whitespace().next() == Some(word));
                if !about.contains("Commands:") || *word == "help" {
                    break;
                }
                assert!(named, "{}: `concord {line}`: there is no `{word}`", document.display());
                path.push(*word);
                about = help(&path);
            }
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(about.contains(option), "{}: `concord {line}`: no {option}", document.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen} commands in the documents");
}
