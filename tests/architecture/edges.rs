//! Dependencies point one way: `model <- {mapping, script, store, vault, connector} <- engine <- api <- {shell, server, cli}`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::sources::root;

const SHELL: &str = "concord-desktop";

/// The crates of this workspace that each may depend on. A crate without a row needs a reason first: a dependency that
/// others must not have, or compile time.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("mapping", &["model"]),
    ("script", &["model"]),
    ("store", &["model"]),
    ("vault", &["model"]),
    ("connector", &["model"]),
    ("engine", &["model", "mapping", "script", "store", "vault", "connector"]),
    ("api", &["model", "mapping", "script", "store", "vault", "connector", "engine"]),
    ("server", &["model", "api"]),
    ("cli", &["model", "api", "server", "sandbox"]),
    (SHELL, &["model", "api", "server", "sandbox"]),
    // Stands alone: it follows the providers, never the habits of our own connectors.
    ("sandbox", &[]),
    ("xtask", &[]),
    ("acceptance", &["model", "api", "server", "sandbox"]),
    // Holds the parsers of every crate against hostile input.
    ("hostile", &["model", "mapping", "store", "vault", "connector", "engine", "api", "server"]),
];

/// What the tests of these may also use. The command's tests watch the repository from outside while another process writes
/// to it, to choose the moment at which to kill that one.
const TESTED_WITH: &[(&str, &str)] = &[
    ("connector", "sandbox"),
    ("engine", "sandbox"),
    ("api", "sandbox"),
    ("server", "sandbox"),
    ("cli", "store"),
];

/// What only these crates may depend on directly.
const ONLY: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("libsqlite3-sys", &["store"]),
    ("keyring", &["vault"]),
    ("chacha20poly1305", &["vault"]),
    ("argon2", &["vault"]),
    ("rquickjs", &["script"]),
    ("oauth2", &["connector"]),
    ("reqwest", &["connector", "acceptance"]),
    ("axum", &["sandbox", "server", "acceptance"]),
    ("tauri", &[SHELL]),
    ("clap", &["cli", SHELL, "acceptance"]),
];

/// What must not be reachable from these crates, over any number of steps: no I/O, no async, no randomness.
const PURE: &[&str] = &["model", "mapping", "script"];
const NOT_PURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "reqwest",
    "hyper",
    "rusqlite",
    "libsqlite3-sys",
    "rand",
    "getrandom",
    "uuid",
    "tempfile",
];

struct Graph(Metadata);

impl Graph {
    fn read() -> Self {
        let rustc = Command::new("rustc").arg("-vV").output().unwrap();
        let about = String::from_utf8(rustc.stdout).unwrap();
        let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        // Only what was downloaded to build on this system.
        let platform = ["--filter-platform".to_owned(), host];
        Self(
            MetadataCommand::new()
                .manifest_path(root().join("Cargo.toml"))
                .other_options(platform)
                .exec()
                .unwrap(),
        )
    }

    fn own(&self) -> BTreeMap<&str, &Package> {
        self.0.workspace_packages().into_iter().map(|package| (package.name.as_str(), package)).collect()
    }

    /// The names of the crates that a crate depends on directly.
    fn direct<'a>(&self, package: &'a Package, kinds: &[DependencyKind]) -> BTreeSet<&'a str> {
        package
            .dependencies
            .iter()
            .filter(|edge| kinds.contains(&edge.kind))
            .map(|edge| edge.name.as_str())
            .collect()
    }

    /// The names of all crates that end up in what is made of a crate, tests aside.
    fn reachable(&self, from: &Package) -> BTreeSet<&str> {
        let resolve = self.0.resolve.as_ref().unwrap();
        let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
        let mut found = BTreeSet::new();
        let mut next = vec![&from.id];
        while let Some(id) = next.pop() {
            let normal = nodes[id]
                .deps
                .iter()
                .filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
            next.extend(normal.map(|edge| &edge.pkg).filter(|id| found.insert(*id)));
        }
        self.0
            .packages
            .iter()
            .filter(|package| found.contains(&package.id))
            .map(|package| package.name.as_str())
            .collect()
    }
}

#[test]
fn dependencies_point_one_way() {
    let graph = Graph::read();
    let own = graph.own();
    let allowed: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, package) in &own {
        let Some(allowed) = allowed.get(name) else {
            wrong.push(format!("{name} has no row in MAY_DEPEND_ON: a new crate needs a reason"));
            continue;
        };
        let edges = |kinds: &[DependencyKind]| {
            graph.direct(package, kinds).into_iter().filter(|name| own.contains_key(name)).collect::<Vec<_>>()
        };
        for edge in edges(&[DependencyKind::Normal, DependencyKind::Build]) {
            if !allowed.contains(&edge) {
                wrong.push(format!("{name} must not depend on {edge}"));
            }
        }
        for edge in edges(&[DependencyKind::Development]) {
            let for_tests = TESTED_WITH.contains(&(*name, edge));
            if !allowed.contains(&edge) && !for_tests && edge != *name {
                wrong.push(format!("the tests of {name} must not depend on {edge}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_row_is_a_crate() {
    let graph = Graph::read();
    let own = graph.own();
    let rows: BTreeSet<&str> = MAY_DEPEND_ON.iter().map(|(name, _)| *name).collect();
    let crates: BTreeSet<&str> = own.keys().copied().collect();
    assert_eq!(rows, crates);
    for (name, package) in own {
        let folder = package.manifest_path.parent().unwrap().file_name().unwrap();
        let expected = match name {
            SHELL => "src-tauri",
            "acceptance" => "tests",
            name => name,
        };
        assert_eq!(folder, expected, "a crate has the name of its folder");
    }
}

#[test]
fn each_kind_of_work_has_its_crate() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for (name, package) in graph.own() {
        let kinds = [DependencyKind::Normal, DependencyKind::Build];
        for dependency in graph.direct(package, &kinds) {
            let only = ONLY.iter().find(|(restricted, _)| *restricted == dependency);
            if let Some((_, only)) = only
                && !only.contains(&name)
            {
                wrong.push(format!("{name} depends on {dependency}, which is for {only:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_rules_are_pure() {
    let graph = Graph::read();
    let own = graph.own();
    for name in PURE {
        let reachable = graph.reachable(own[name]);
        let found: Vec<_> = NOT_PURE.iter().filter(|name| reachable.contains(**name)).collect();
        assert!(found.is_empty(), "{name} reaches {found:?}");
    }
    assert!(
        graph.reachable(own["engine"]).contains("tokio"),
        "what is not there must be missing for the right reason"
    );
}

#[test]
fn only_the_shell_knows_tauri() {
    let graph = Graph::read();
    for (name, package) in graph.own() {
        let windows: Vec<_> = graph
            .reachable(package)
            .into_iter()
            .filter(|found| found.starts_with("tauri") || *found == "wry")
            .collect();
        assert_eq!(!windows.is_empty(), name == SHELL, "{name} reaches {windows:?}");
    }
}

#[test]
fn every_crate_is_under_the_lints_of_the_workspace() {
    for (name, package) in Graph::read().own() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} leaves the workspace's lints");
        assert_eq!(package.publish.as_deref(), Some(&[][..]), "{name} is not for a registry");
        assert_eq!(package.license.as_deref(), Some("Apache-2.0"), "{name}");
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}
