//! `concord import-idm` and `export-idm`: an IDM project's folder in and out.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sandbox::salesforce;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::{House, IN, OUT, TOKEN, connector, inbound, outbound};

const SALESFORCE: &str = "provisioner.openicf-salesforce.json";
const HUBSPOT: &str = "provisioner.openicf-hubspot.json";

/// The kinds of objects in a repository, as `show` prints them.
type Repository = BTreeMap<String, Value>;

/// A project on the disk, made of files by their paths.
struct Project {
    house: House,
}

impl Project {
    fn of(files: &[(&str, String)]) -> Self {
        let project = Self { house: House::empty() };
        for (path, text) in files {
            project.put(path, text);
        }
        project
    }

    fn root(&self) -> PathBuf {
        self.house.folder.path().join("project")
    }

    fn put(&self, path: &str, text: &str) {
        let file = self.root().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn import(&self) -> Value {
        self.house.json(0, &["import-idm", text(&self.root())])
    }

    /// Everything that an import could have made.
    fn repository(&self) -> Repository {
        repository(&self.house)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn repository(house: &House) -> Repository {
    let mut found = Repository::new();
    for kind in ["connector", "mapping"] {
        let list = house.json(0, &[kind, "list"]);
        let names: Vec<&str> = list.as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect();
        found.insert(format!("{kind}s"), json!(names));
        for name in names {
            let mut shown = house.json(0, &[kind, "show", name]);
            // How it is doing is no part of what it is.
            shown.as_object_mut().unwrap().remove("concord");
            found.insert(format!("{kind} {name}"), shown);
        }
    }
    found
}

fn names_of<'v>(report: &'v Value, kind: &str) -> Vec<&'v str> {
    report[kind].as_array().unwrap().iter().filter_map(|m| m["name"].as_str()).collect()
}

/// What the report says of an object, one text for each remark: `place: words`.
fn notes_on(report: &Value, about: &str) -> Vec<String> {
    let rows = report["notes"].as_array().unwrap();
    rows.iter()
        .filter(|row| row["about"] == about)
        .map(|row| format!("{}: {}", row["place"].as_str().unwrap(), row["what"].as_str().unwrap()))
        .collect()
}

/// The connector of the CDDL sample's shape, with its login at this address.
fn salesforce_connector(login: &str, secret: Value) -> Value {
    json!({
        "name": "salesforce",
        "enabled": true,
        "connectorRef": {
            "connectorName": "org.forgerock.openidm.salesforce.Salesforce",
            "bundleName": "org.forgerock.openidm.salesforce",
            "bundleVersion": "[5.0.0,6.0.0)",
        },
        "configurationProperties": {
            "connectTimeout": 120000,
            "loginUrl": login,
            "idleCheckInterval": 10000,
            "clientId": "sandbox-consumer-key",
            "clientSecret": secret,
            "refreshToken": {"$crypto": {"type": "x-simple-encryption", "value": {"data": "x", "iv": "y"}}},
            "instanceUrl": Value::Null,
            "version": 29,
        },
        "objectTypes": {"User": {"$schema": "http://json-schema.org/draft-03/schema", "id": "User", "type": "object"}},
        "operationOptions": {},
    })
}

/// The two mappings of the sample's shape, without correlation, transforms or conditions.
fn salesforce_mappings() -> Value {
    let inward = "sourceSalesforceUser_managedUser";
    let policies = |absent: &str, unqualified: &str| {
        let rows = [
            ("ABSENT", absent),
            ("ALL_GONE", "IGNORE"),
            ("AMBIGUOUS", "EXCEPTION"),
            ("CONFIRMED", "UPDATE"),
            ("FOUND", "UPDATE"),
            ("FOUND_ALREADY_LINKED", "EXCEPTION"),
            ("LINK_ONLY", "EXCEPTION"),
            ("MISSING", "EXCEPTION"),
            ("SOURCE_IGNORED", "IGNORE"),
            ("SOURCE_MISSING", "EXCEPTION"),
            ("TARGET_IGNORED", "IGNORE"),
            ("UNASSIGNED", "EXCEPTION"),
            ("UNQUALIFIED", unqualified),
        ];
        rows.map(|(situation, action)| json!({"situation": situation, "action": action})).to_vec()
    };
    let pairs = [("FirstName", "givenName"), ("LastName", "sn"), ("Email", "mail"), ("Username", "userName")];
    json!({"mappings": [
        {
            "name": inward,
            "source": "system/salesforce/User",
            "target": "managed/user",
            "properties": pairs.map(|(remote, own)| json!({"source": remote, "target": own})),
            "policies": policies("CREATE", "DELETE"),
        },
        {
            "name": "managedUser_sourceSalesforceUser",
            "source": "managed/user",
            "target": "system/salesforce/User",
            "links": inward,
            "properties": pairs.map(|(remote, own)| json!({"source": own, "target": remote})),
            "policies": policies("ASYNC", "ASYNC"),
        },
    ]})
}

/// A `managed.json` as IDM has it: the password is encrypted and scripts hang on the type.
fn managed() -> Value {
    let text =
        |title: &str| json!({"title": title, "type": "string", "searchable": true, "userEditable": true});
    json!({
        "objects": [{
            "name": "user",
            "onCreate": {"type": "text/javascript", "file": "ui/onCreateUser.js"},
            "schema": {
                "id": "http://jsonschema.net",
                "required": ["userName", "givenName", "sn", "mail"],
                "order": ["userName", "password", "givenName", "sn", "mail", "badge", "boss", "teams"],
                "properties": {
                    "userName": text("Username"),
                    "password": {"title": "Password", "type": "string", "encryption": {"key": "openidm-sym-default"}, "scope": "private"},
                    "givenName": text("First Name"),
                    "sn": text("Last Name"),
                    "mail": text("Email Address"),
                    "badge": {"title": "Badge", "type": "string", "policies": [{"policyId": "badge-office"}]},
                    "boss": {"title": "Boss", "type": "relationship", "resourceCollection": [{"path": "managed/user"}]},
                    "teams": {"title": "Teams", "type": "array", "items": {"type": "relationship"}},
                },
            },
        }],
        "relationships": {"note": "kept"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_salesforce_samples_shape_imports_and_runs() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = salesforce::Options { records: 20, ..salesforce::Options::default() };
    let sandbox = salesforce::Sandbox::start(listener, options).await.unwrap();
    let login = format!("{}/services/oauth2/token", sandbox.url());
    let mut document = salesforce_connector(&login, json!("sandbox-consumer-secret"));
    document["configurationProperties"]["grantType"] = json!("client_credentials");
    let project = Project::of(&[
        (&format!("conf/{SALESFORCE}"), document.to_string()),
        ("conf/sync.json", salesforce_mappings().to_string()),
        ("conf/authentication.json", "{}".into()),
        ("conf/boot/boot.properties", "openidm.port.http=8080".into()),
    ]);
    let report = project.import();
    assert_eq!(names_of(&report, "connectors"), ["salesforce"]);
    let order = ["sourceSalesforceUser_managedUser", "managedUser_sourceSalesforceUser"];
    assert_eq!(names_of(&report, "mappings"), order);
    assert_eq!(report["leftAlone"][0]["file"], "authentication.json");
    assert!(report["leftAlone"][0]["why"].as_str().unwrap().contains("sign in"), "{report}");
    assert_eq!(report["toEnter"][0]["property"], "refreshToken", "{report}");
    assert_eq!(report["notes"], json!([]), "{report}");

    let shown = project.house.json(0, &["connector", "show", "salesforce"]);
    assert!(!shown.to_string().contains("sandbox-consumer-secret"), "{shown}");
    assert_eq!(shown["objectTypes"]["User"]["id"], "User", "unknown keys are kept");
    let summary = project.house.json(0, &["recon", order[0]]);
    assert_eq!(summary["statusSummary"]["FAILURE"], 0, "{summary}");
    assert!(summary["situationSummary"]["ABSENT"].as_u64().is_some_and(|n| n > 0), "{summary}");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hubspot_project_with_scripts_in_files_imports_and_runs() {
    let house = House::with_contacts(12).await;
    let project = Project { house };
    let mut inward = inbound();
    inward["properties"][2]["transform"] = json!({"type": "text/javascript", "file": "shout.js"});
    inward["onUpdate"] = json!({"type": "text/javascript", "file": "script/keep.js", "globals": {"x": 1}});
    let mut outward = outbound();
    outward["syncAfter"] = json!([IN]);
    outward.as_object_mut().unwrap().remove("name");
    project.put(&format!("conf/{HUBSPOT}"), &project.house.connector().to_string());
    project.put("conf/mapping-contactsToUsers.json", &inward.to_string());
    // Alphabetically it would come first.
    project.put("conf/mapping-aUsersToContacts.json", &outward.to_string());
    project.put("conf/managed.json", &managed().to_string());
    project.put("script/shout.js", "\u{feff}source.toUpperCase()\n");
    project.put("bin/defaults/script/script/keep.js", "throw 'the wrong one'");
    project.put("script/keep.js", "target");
    project.put("bin/defaults/script/ui/onCreateUser.js", "object.accountStatus = 'active';");

    let report = project.import();
    assert_eq!(names_of(&report, "mappings"), [IN, "aUsersToContacts"], "by syncAfter");
    assert_eq!(report["mappings"][0]["runs"], true, "{report}");
    assert_eq!(
        report["managed"],
        json!([{"name": "user", "file": "managed.json", "result": "changed", "runs": true}])
    );
    let user = notes_on(&report, "managed type `user`").join("\n");
    assert!(user.contains("onCreate: its script is kept and not run here"), "{report}");
    assert!(user.contains("badge-office"), "an unknown policy is told: {report}");
    assert!(user.contains("boss, teams: a reference is kept as it is given"), "{report}");

    let shown = project.house.json(0, &["mapping", "show", IN]);
    let step = json!({"type": "text/javascript", "source": "source.toUpperCase()\n"});
    assert_eq!(shown["properties"][2]["transform"], step);
    assert_eq!(shown["onUpdate"]["globals"]["x"], 1);
    project.house.json(0, &["recon", IN]);
    let user = project.house.user("userName pr");
    let name = user["givenName"].as_str().unwrap();
    assert_eq!(name, name.to_uppercase(), "{user}");
}

#[test]
fn what_is_wrong_stops_all_of_it() {
    let right = || {
        vec![
            (format!("conf/{HUBSPOT}"), connector("http://127.0.0.1:9", "test-token-1").to_string()),
            ("conf/managed.json".to_owned(), managed().to_string()),
            ("conf/sync.json".to_owned(), json!({"mappings": [inbound(), outbound()]}).to_string()),
        ]
    };
    let sync = |change: &dyn Fn(&mut Value)| {
        let mut second = outbound();
        change(&mut second);
        ("conf/sync.json", json!({"mappings": [inbound(), second]}).to_string())
    };
    let config = |change: &dyn Fn(&mut Value)| {
        let mut document = connector("http://127.0.0.1:9", "test-token-1");
        change(&mut document);
        document.to_string()
    };
    // file, its content, what is said
    let table: Vec<((&str, String), &[&str])> = vec![
        (("conf/sync.json", "{\"mappings\": [".into()), &["sync.json", "not valid JSON"]),
        (("conf/sync.json", "[]".into()), &["sync.json", "object"]),
        (("conf/managed.json", "{".into()), &["managed.json", "not valid JSON"]),
        (("conf/managed.json", json!({"objects": [{"schema": {}}]}).to_string()), &["managed.json", "name"]),
        (
            (
                "conf/managed.json",
                json!({"objects": [{"name": "a b", "schema": {"properties": {}}}]}).to_string(),
            ),
            &["managed.json", "`a b`"],
        ),
        (("conf/provisioner.openicf-x.json", "[]".into()), &["provisioner.openicf-x.json"]),
        (
            ("conf/provisioner.openicf-x.json", config(&|c| c["name"] = json!("hubspot"))),
            &["provisioner.openicf-x.json", "`hubspot`", "twice"],
        ),
        (
            (
                "conf/provisioner.openicf-x.json",
                config(&|c| c["configurationProperties"]["apiBaseUrl"] = json!("http://crm.example.com")),
            ),
            &["provisioner.openicf-x.json", "apiBaseUrl"],
        ),
        (("conf/mapping-more.json", inbound().to_string()), &["mapping-more.json", IN, "twice"]),
        (sync(&|m| m["source"] = json!("somewhere")), &["sync.json", OUT, "source"]),
        (sync(&|m| m["links"] = json!("ghost")), &["sync.json", OUT, "ghost"]),
        (sync(&|m| m["policies"][0]["situation"] = json!("LOST")), &["sync.json", "LOST"]),
        // A script that cannot run does not excuse the rest of its mapping.
        (
            sync(&|m| {
                m["onCreate"] = json!({"type": "groovy", "source": "target.x = 1"});
                m["sourceCondition"] = json!("/source/mail xx");
            }),
            &["sync.json", OUT, "sourceCondition"],
        ),
    ];
    let house = House::empty();
    for ((file, content), words) in table {
        let project = Project::of(&[]);
        for (path, text) in right() {
            project.put(&path, &text);
        }
        project.put(file, &content);
        house.concord(&["import-idm", text(&project.root())]).exits(1).says(words);
    }
    assert_eq!(repository(&house), repository(&House::empty()), "nothing of any of them");
    let nothing = Project::of(&[("conf/authentication.json", "{}".into())]);
    nothing.house.concord(&["import-idm", text(&nothing.root())]).exits(1).says(&["sync.json"]);
    nothing.house.concord(&["import-idm", "/no/such/folder"]).exits(1).says(&["/no/such/folder"]);
}

#[test]
fn what_cannot_run_is_kept_and_told() {
    let with = |change: Value| {
        let mut mapping = inbound();
        for (key, value) in change.as_object().unwrap() {
            mapping[key] = value.clone();
        }
        mapping
    };
    // what is changed in a mapping, whether it runs, what is said
    let table: Vec<(Value, bool, &[&str])> = vec![
        (json!({}), true, &[]),
        (
            json!({"onCreate": {"type": "groovy", "source": "target.x = 1"}}),
            false,
            &["onCreate", "`groovy`", "JavaScript", "implicit sync is switched off"],
        ),
        (json!({"onCreate": {"type": "groovy", "file": "here.groovy"}}), false, &["onCreate", "`groovy`"]),
        (
            json!({"validSource": {"type": "text/javascript", "file": "gone.js"}}),
            false,
            &["validSource", "`gone.js` is missing", "bin/defaults/script"],
        ),
        (
            json!({"validSource": {"type": "text/javascript", "file": "../../secret.js"}}),
            false,
            &["validSource", "not inside the project"],
        ),
        (
            json!({"validSource": {"type": "text/javascript", "file": "link.js"}}),
            false,
            &["validSource", "leads out of the project"],
        ),
        (
            json!({"properties": [{"target": "mail", "source": "email", "transform": {"type": "text/javascript", "source": "openidm.decrypt(source)"}}],
                   "correlationQuery": null}),
            true,
            &["property `mail`, transform", "`openidm`"],
        ),
        (json!({"sourceQuery": {"_queryId": "for-userName"}}), false, &["sourceQuery", "_queryFilter"]),
        (
            json!({"targetQuery": {"resourceName": "managed/role", "_queryFilter": "true"}}),
            false,
            &["targetQuery", "`managed/role`", "leave resourceName out"],
        ),
        (json!({"targetQuery": {"resourceName": "managed/user", "_queryFilter": "true"}}), true, &[]),
        (json!({"policies": null, "linkQualifiers": null}), true, &[]),
        (
            json!({"correlationQuery": [{"expressionTree": {"any": ["userName"]}}, {"linkQualifier": "default", "expressionTree": {"any": ["mail"]}}]}),
            true,
            &["several rules for the link qualifier `default`", "the last counts"],
        ),
        (
            json!({"onCreate": {"type": "text/javascript", "source": "for each (var a in target) { a; }"}}),
            false,
            &["onCreate", "cannot run until this is changed"],
        ),
        (
            json!({"correlationQuery": {"expressionTree": {"any": ["userName", "title"]}}}),
            true,
            &["`title` is in an expression tree", "nothing matches"],
        ),
        (
            json!({"properties": [{"source": "email", "target": "password"}], "correlationQuery": null}),
            false,
            &["property `password`", "until this property is removed"],
        ),
        (json!({"consentRequired": true}), true, &["consentRequired", "not heeded"]),
        (
            json!({"onMapping": {"type": "text/javascript", "source": "1"}}),
            true,
            &["onMapping", "not run here"],
        ),
        (
            json!({"properties": [{"target": "mail", "default": "x@&{domain}"}], "correlationQuery": null}),
            true,
            &["`&{...}`"],
        ),
        (
            // A tree is built in, whatever script IDM names for it.
            json!({"correlationQuery": [{"linkQualifier": "default", "type": "text/javascript", "expressionTree": {"any": ["mail"]}, "mapping": IN, "file": "ui/correlateTreeToQueryFilter.js"}]}),
            true,
            &[],
        ),
    ];
    for (change, runs, words) in table {
        let project = Project::of(&[
            (&format!("conf/{HUBSPOT}"), connector("http://127.0.0.1:9", "").to_string()),
            ("conf/sync.json", json!({"mappings": [with(change.clone())]}).to_string()),
            ("script/here.groovy", "target.x = 1".into()),
        ]);
        project.house.text_file("secret.js", "true");
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../secret.js", project.root().join("script/link.js")).unwrap();
        let report = project.import();
        assert_eq!(report["mappings"][0]["runs"], runs, "{change}: {report}");
        let notes = notes_on(&report, &format!("mapping `{IN}`")).join("\n");
        assert_eq!(notes.is_empty(), words.is_empty(), "{change}: {notes}");
        for word in words {
            assert!(notes.contains(word), "`{word}` is missing for {change}: {notes}");
        }
        let shown = project.house.json(0, &["mapping", "show", IN]);
        assert_eq!(shown.get("enableSync") == Some(&json!(false)), !runs, "{shown}");
        for (key, value) in change.as_object().unwrap() {
            let is_kept = shown.get(key).is_some() || value.is_null();
            assert!(is_kept || ["properties", "correlationQuery"].contains(&key.as_str()), "{key}: {shown}");
        }
        if !runs {
            project.house.concord(&["recon", IN]).exits(1);
        }
    }
}

#[test]
fn one_odd_thing_does_not_keep_the_rest_out() {
    let mut odd = connector("http://127.0.0.1:9", "");
    odd["objectTypes"] = json!({"person": {"nativeType": "contact", "properties": {}}});
    let classic = json!({
        "connectorRef": {"connectorName": "org.identityconnectors.scim.ScimConnector"},
        "configurationProperties": {"SCIMEndpoint": "https://example.org/scim", "SCIMVersion": 1},
    });
    let renamed = json!({"name": "renamed", "source": "system/hubspot/person", "target": "managed/user",
        "properties": [{"source": "email", "target": "mail"}]});
    let own = json!({"name": "own", "source": "managed/user", "target": "system/hubspot/contact", "links": "own",
    "properties": [
        {"source": "mail", "target": "email"},
        {"source": "password", "target": "nickname", "condition": {"type": "text/javascript", "source": "object.password != null"},
         "transform": {"type": "text/javascript", "source": "openidm.decrypt(source)"}}
    ]});
    let internal = json!({"name": "internal", "source": "repo/internal/user", "target": "managed/user", "properties": []});
    let onboard = json!({"name": "onboard", "source": "system/hubspot/contact", "target": "managed/user",
        "properties": [], "policies": [{"situation": "ABSENT", "action": "ONBOARD"}]});
    let follower = |name: &str, source: &str, target: &str| {
        json!({"name": name, "source": source, "target": target,
        "links": "onboard", "properties": []})
    };
    let (inward, outward) = (
        follower("inward", "system/hubspot/contact", "managed/user"),
        follower("outward", "managed/user", "system/hubspot/contact"),
    );
    let project = Project::of(&[
        (&format!("conf/{HUBSPOT}"), odd.to_string()),
        ("conf/provisioner.openicf-old.json", classic.to_string()),
        (
            "conf/provisioner.salesforce-salesforce.json",
            salesforce_connector("Sandbox", json!("test-secret-1")).to_string(),
        ),
        ("conf/managed.json", json!({"objects": [{"name": "device"}]}).to_string()),
        (
            "conf/sync.json",
            json!({"mappings": [own, renamed, internal, onboard, inward, outward]}).to_string(),
        ),
        ("conf/syncMore.json", json!({"mappings": []}).to_string()),
        (
            "conf/schedule-off.json",
            json!({"enabled": false, "type": "cron", "schedule": "0 0 0 * * ?", "invokeService": "sync",
                "invokeContext": {"action": "reconcile", "mapping": "own"}})
            .to_string(),
        ),
    ]);
    let report = project.import();
    let runs = |list: &str| -> Vec<(String, bool)> {
        let all = report[list].as_array().unwrap().iter();
        all.map(|t| (t["name"].as_str().unwrap().to_owned(), t["runs"].as_bool().unwrap())).collect()
    };
    let all = ["own", "renamed", "inward", "outward"].map(|name| (name.to_owned(), name != "renamed"));
    assert_eq!(runs("mappings"), all);
    let connectors = runs("connectors");
    assert!(connectors.contains(&("old".into(), false)), "{connectors:?}");
    assert!(connectors.iter().any(|(name, _)| name == "salesforce"), "{connectors:?}");
    for (about, words) in [
        ("connector `old`", "servers of SCIM 2.0"),
        ("mapping `own`", "names the mapping itself"),
        ("mapping `own`", "there is never a value"),
        (
            "mapping `inward`",
            "links: names mapping `onboard`, which was left where it is; it keeps links of its own",
        ),
        ("mapping `outward`", "it shares those of `inward` instead"),
        ("mapping `renamed`", "no object type `person`"),
        ("schedule `off`", "not enabled in the project"),
    ] {
        let notes = notes_on(&report, about).join("\n");
        assert!(notes.contains(words), "{about}: {notes}");
        assert!(!notes.contains("openidm"), "{about}: {notes}");
    }
    let left = report["leftAlone"].to_string();
    for words in
        ["mapping `internal`", "repo/internal/user", "mapping `onboard`", "ONBOARD", "it holds mappings"]
    {
        assert!(left.contains(words), "{words}: {left}");
    }
}

#[test]
fn what_only_the_server_knew_is_asked_for() {
    let hubspot = |settings: Value| {
        let mut document = connector("http://127.0.0.1:9", "");
        document["configurationProperties"] = settings;
        document
    };
    let crypto = json!({"$crypto": {"type": "x-simple-encryption", "value": {}}});
    let ldap = json!({
        "connectorRef": {"connectorName": "org.identityconnectors.ldap.LdapConnector"},
        "configurationProperties": {"host": "ldap.example.com", "credentials": "test-password-1", "passwordAttribute": "userPassword"},
    });
    // the document, whether it is enabled, what is to be entered, what is said
    let table: Vec<(Value, bool, Vec<&str>, &[&str])> = vec![
        (
            hubspot(json!({"clientId": "a", "clientSecret": crypto, "refreshToken": "&{hs.token}"})),
            true,
            vec!["clientSecret", "refreshToken"],
            &[],
        ),
        (
            hubspot(json!({"clientId": "&{hs.id}", "permitsPerSecond": {"$int": "&{rate}"}})),
            true,
            vec!["clientId", "permitsPerSecond"],
            &[],
        ),
        (
            hubspot(json!({"clientId": "a", "proxyPassword": "test-password-1"})),
            true,
            vec![],
            &["proxyPassword", "left out"],
        ),
        (ldap, false, vec![], &["LdapConnector", "disabled", "credentials"]),
    ];
    for (document, enabled, enter, words) in table {
        let project = Project::of(&[("conf/provisioner.openicf-it.json", document.to_string())]);
        let report = project.import();
        let asked: Vec<&str> =
            report["toEnter"].as_array().unwrap().iter().filter_map(|e| e["property"].as_str()).collect();
        assert_eq!(asked, enter, "{report}");
        let notes = notes_on(&report, "connector `it`").join("\n");
        for word in words {
            assert!(notes.contains(word), "{report}");
        }
        let shown = project.house.json(0, &["connector", "show", "it"]);
        assert_eq!(shown["enabled"], enabled, "{shown}");
        for hidden in ["$crypto", "&{", "test-password-1"] {
            assert!(!shown.to_string().contains(hidden), "{hidden}: {shown}");
        }
        for property in enter {
            assert!(shown["configurationProperties"].get(property).is_none(), "{shown}");
        }
    }
}

#[test]
fn an_export_imports_to_the_same_repository() {
    let mut sync = salesforce_mappings();
    let mappings = sync["mappings"].as_array_mut().unwrap();
    mappings.insert(0, outbound());
    mappings.insert(1, inbound());
    mappings[1]["onCreate"] = json!({"type": "groovy", "source": "x"});
    mappings[1]["taskThreads"] = json!(4);
    sync["queueRecovery"] = json!({"enabled": true});
    let project = Project::of(&[
        (&format!("conf/{HUBSPOT}"), connector("http://127.0.0.1:9", "test-token-1").to_string()),
        (&format!("conf/{SALESFORCE}"), salesforce_connector("Sandbox", json!("test-secret-1")).to_string()),
        ("conf/managed.json", managed().to_string()),
        ("conf/sync.json", sync.to_string()),
    ]);
    project.import();
    let first = project.house.folder.path().join("first");
    let report = project.house.json(0, &["export-idm", text(&first)]);
    assert_eq!(report["files"], json!([HUBSPOT, SALESFORCE, "managed.json", "sync.json"]));
    let left = report["leftOut"].to_string();
    assert!(left.contains("accessToken") && left.contains("clientSecret"), "{report}");

    let other = House::empty();
    // The conf folder itself will do.
    let again = other.json(0, &["import-idm", text(&first.join("conf"))]);
    assert_eq!(repository(&other), project.repository());
    assert_eq!(
        again["notes"].to_string(),
        project.house.json(0, &["import-idm", text(&first)])["notes"].to_string()
    );
    let second = other.folder.path().join("second/conf");
    other.json(0, &["export-idm", text(&second)]);
    for file in report["files"].as_array().unwrap().iter().filter_map(Value::as_str) {
        let read = |folder: &Path| fs::read_to_string(folder.join(file)).unwrap();
        let written = read(&first.join("conf"));
        assert_eq!(read(&second), written, "{file}");
        assert!(!written.contains("test-token-1") && !written.contains("test-secret-1"), "{file}");
        assert!(written.ends_with("}\n"), "{file}");
    }
    let document: Value =
        serde_json::from_str(&fs::read_to_string(second.join("sync.json")).unwrap()).unwrap();
    assert_eq!(document["queueRecovery"]["enabled"], true);
    assert_eq!(document["mappings"][1]["taskThreads"], 4);
    let managed = fs::read_to_string(second.join("managed.json")).unwrap();
    assert!(managed.contains("relationships") && managed.contains("badge-office"), "{managed}");
}

#[test]
fn what_is_there_is_only_replaced_when_that_is_meant() {
    let project = Project::of(&[
        (&format!("conf/{HUBSPOT}"), connector("http://127.0.0.1:9", "test-token-1").to_string()),
        ("conf/sync.json", json!({"mappings": [inbound(), outbound()]}).to_string()),
    ]);
    project.import();
    let before = project.repository();
    let folder = project.root();
    let mut changed = inbound();
    changed["displayName"] = json!("Contacts");
    project.put("conf/sync.json", &json!({"mappings": [outbound(), changed]}).to_string());
    project.put(
        "conf/mapping-new.json",
        &json!({"source": "managed/user", "target": "system/hubspot/company"}).to_string(),
    );
    let refused = project.house.concord(&["import-idm", text(&folder)]).exits(1).says(&[IN, "--replace"]);
    assert!(!refused.err.contains("hubspot"), "{refused:?}");
    assert_eq!(project.repository(), before);

    let report = project.house.json(0, &["import-idm", text(&folder), "--replace"]);
    let results: Vec<&str> =
        report["mappings"].as_array().unwrap().iter().filter_map(|m| m["result"].as_str()).collect();
    assert_eq!(results, ["unchanged", "changed", "added"]);
    let after = project.repository();
    assert_eq!(after["mappings"], json!([OUT, IN, "new"]), "the project's order");
    assert_eq!(after[&format!("mapping {IN}")]["displayName"], "Contacts");
    let words = project.house.concord(&["import-idm", text(&folder), "--replace"]).exits(0).out;
    assert!(words.contains("mapping `new` unchanged (mapping-new.json)"), "{words}");

    let target = project.house.folder.path().join("out");
    project.house.concord(&["export-idm", text(&target)]).exits(0);
    project.house.concord(&["export-idm", text(&target)]).exits(1).says(&["sync.json", "--force"]);
    fs::write(target.join("conf/mapping-old.json"), "{}").unwrap();
    let report = project.house.json(0, &["export-idm", text(&target), "--force"]);
    assert_eq!(report["stale"], json!(["mapping-old.json"]));
}

/// What was entered here is as good as what the project could not bring along, and a project changes nothing by its secrets
/// unless that is meant.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_imported_again_changes_nothing() {
    let project = Project { house: House::with_contacts(1).await };
    let file = format!("conf/{HUBSPOT}");
    let with_token = |token: &str| connector(&project.house.url(), token).to_string();
    let crypto = json!({"$crypto": {"type": "x-simple-encryption", "value": {"data": "x"}}});
    let mut it = connector("http://127.0.0.1:9", "");
    it["configurationProperties"] = json!({"clientId": "&{hs.id}", "clientSecret": crypto, "refreshToken": crypto, "apiBaseUrl": "http://127.0.0.1:9"});
    project.put(&file, &with_token(TOKEN));
    project.put("conf/provisioner.openicf-it.json", &it.to_string());
    let asked = |report: &Value| -> Vec<String> {
        let rows = report["toEnter"].as_array().unwrap().iter();
        rows.filter_map(|row| Some(row["property"].as_str()?.to_owned())).collect()
    };
    let results = |report: &Value| -> Vec<String> {
        let rows = report["connectors"].as_array().unwrap().iter();
        rows.filter_map(|row| Some(row["result"].as_str()?.to_owned())).collect()
    };
    assert_eq!(asked(&project.import()), ["clientId", "clientSecret", "refreshToken"]);
    assert_eq!(results(&project.import()), ["unchanged", "unchanged"]);

    let mut entered = project.house.json(0, &["connector", "show", "it"]);
    entered["configurationProperties"]["clientId"] = json!("entered");
    entered["configurationProperties"]["clientSecret"] = json!("entered-secret-1");
    let entered = project.house.file("it.json", &entered);
    project.house.concord(&["connector", "add", &entered]).exits(0);
    for more in [&[][..], &["--replace"]] {
        let root = project.root();
        let report = project.house.json(0, &[&["import-idm", text(&root)], more].concat());
        assert_eq!(
            (asked(&report), results(&report)),
            (vec!["refreshToken".into()], vec!["unchanged".into(); 2])
        );
        let shown = project.house.json(0, &["connector", "show", "it"]);
        assert_eq!(shown["configurationProperties"]["clientId"], "entered", "{shown}");
    }

    project.put(&file, &with_token("another-key"));
    let kept = project.import();
    assert!(notes_on(&kept, "connector `hubspot`").join("\n").contains("stays"), "{kept}");
    assert_eq!(results(&kept), ["unchanged", "unchanged"]);
    project.house.concord(&["connector", "test", "hubspot"]).exits(0);
    let replaced = project.house.json(0, &["import-idm", text(&project.root()), "--replace"]);
    assert!(notes_on(&replaced, "connector `hubspot`").join("\n").contains("took the place"), "{replaced}");
    assert_eq!(results(&replaced), ["changed", "unchanged"]);
    project.house.concord(&["connector", "test", "hubspot"]).exits(1);
}

/// Keys that nobody here knows, with what a careless writer would change: order, null, empty values, large and small numbers.
fn unknown() -> Value {
    json!({
        "zebra": {"z": 1, "a": [3, {"y": null, "x": ""}, "\u{e4}\u{1f600}\"\\"], "m": {}},
        "count": 9_007_199_254_740_993_i64, "small": -0.25, "off": false, "none": null, "list": [],
    })
}

/// Everything of `one` is in `other`; lists are the same item by item.
fn holds(one: &Value, other: &Value, place: &str) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                let place = format!("{place}/{key}");
                holds(value, other.get(key).unwrap_or_else(|| panic!("{place} is gone")), &place);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{place}");
            for (n, (one, other)) in one.iter().zip(other).enumerate() {
                holds(one, other, &format!("{place}/{n}"));
            }
        }
        _ => assert_eq!(one, other, "{place}"),
    }
}

#[test]
fn every_key_of_a_project_comes_out_again() {
    let with_unknown = |mut value: Value| {
        value["unknown"] = unknown();
        value
    };
    let mut hubspot = with_unknown(connector("http://127.0.0.1:9", ""));
    hubspot["configurationProperties"].as_object_mut().unwrap().remove("accessToken");
    hubspot["connectorRef"]["systemType"] = json!("provisioner.openicf");
    hubspot["poolConfigOption"] = json!({"maxObjects": 10, "unknown": unknown()});
    hubspot["objectTypes"] = json!({"contact": {"$schema": "x", "id": "contact", "unknown": unknown()}});
    let ldap = with_unknown(json!({
        "name": "ldap",
        "connectorRef": {"bundleVersion": "[1.4,2)", "connectorName": "org.identityconnectors.ldap.LdapConnector"},
        "configurationProperties": {"host": "localhost", "unknown": unknown()},
    }));
    let mut mapping = with_unknown(inbound());
    mapping["properties"][0]["unknown"] = unknown();
    mapping["policies"] = json!([{"situation": "ABSENT", "action": "CREATE", "unknown": unknown()}]);
    mapping["onUpdate"] = json!({"type": "text/javascript", "source": "target", "globals": unknown()});
    mapping["validSource"] = json!({"type": "text/javascript", "file": "valid.js", "unknown": unknown()});
    mapping["queuedSync"] = json!({"enabled": true, "unknown": unknown()});
    let sync = with_unknown(json!({"mappings": [mapping]}));
    let mut types = with_unknown(managed());
    types["objects"][0]["unknown"] = unknown();
    types["objects"][0]["schema"]["unknown"] = unknown();
    types["objects"][0]["schema"]["properties"]["sn"]["unknown"] = unknown();
    let schedule = with_unknown(json!({
        "enabled": true, "persisted": true, "type": "cron", "schedule": "0 0 * * * ?", "invokeService": "sync",
        "invokeContext": {"action": "reconcile", "mapping": IN, "unknown": unknown()},
    }));
    let documents = [
        (HUBSPOT, &hubspot),
        ("provisioner.openicf-ldap.json", &ldap),
        ("sync.json", &sync),
        ("managed.json", &types),
        ("schedule-nightly.json", &schedule),
    ];
    let project = Project::of(&[
        ("script/valid.js", "source.email != null".into()),
        ("workflow/contractor.bar", "x".into()),
        ("conf/endpoint-echo.json", "{}".into()),
        ("conf/repo.jdbc.json", "{}".into()),
    ]);
    for (file, document) in documents {
        project.put(&format!("conf/{file}"), &format!("{document:#}"));
    }
    let report = project.import();
    let left: Vec<&str> =
        report["leftAlone"].as_array().unwrap().iter().filter_map(|left| left["file"].as_str()).collect();
    assert_eq!(left, ["endpoint-echo.json", "repo.jdbc.json", "workflow/contractor.bar"]);
    let words = project.house.concord(&["import-idm", text(&project.root())]).exits(0).out;
    assert!(words.contains("workflow/contractor.bar: workflows do not run here"), "{words}");
    let listed = project.house.concord(&["connector", "list"]).exits(0).out;
    assert!(!listed.contains("hubapi"), "a connector of no provider calls nobody: {listed}");

    let out = project.house.folder.path().join("out");
    project.house.json(0, &["export-idm", text(&out)]);
    for (file, document) in documents {
        let written = fs::read_to_string(out.join("conf").join(file)).unwrap();
        let mut expect = document.clone();
        if file == "sync.json" {
            // The text of a script file goes with its mapping.
            let script = expect["mappings"][0]["validSource"].as_object_mut().unwrap();
            script.remove("file");
            script.insert("source".into(), "source.email != null".into());
        }
        holds(&expect, &serde_json::from_str(&written).unwrap(), file);
        // Byte for byte, but for the indentation.
        let plain = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        assert!(plain(&written).contains(&plain(&format!("{:#}", unknown()))), "{file}: {written}");
    }
}
