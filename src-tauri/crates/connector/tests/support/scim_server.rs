//! A SCIM server in memory, on a port of loopback: it does what the RFC says, or what it is told to get wrong.
//!
//! It stands alone, so that the tests of other crates can include it.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};

pub const TOKEN: &str = "test-token-1";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What the server gets wrong, or does in another way than most.
#[derive(Debug, Clone, Default)]
pub struct Habits {
    /// No ServiceProviderConfig, ResourceTypes, Schemas.
    pub tells_nothing: bool,
    pub no_patch: bool,
    pub says_no_patch: bool,
    pub no_put: bool,
    pub no_delete: bool,
    /// A write is answered without the record.
    pub silent: bool,
    pub no_filter: bool,
    pub says_no_filter: bool,
    pub ignores_filter: bool,
    /// Takes filters by time and finds nothing.
    pub blind_to_time: bool,
    /// "Not found" for a condition that nothing meets.
    pub nothing_is_404: bool,
    /// Refuses `attributes=`.
    pub no_attributes: bool,
    pub ignores_start: bool,
    /// Most records on a page.
    pub page: Option<usize>,
    /// The total is that of the page.
    pub total_of_page: bool,
    /// Refuses to begin a list behind its last record.
    pub no_place_behind: bool,
    pub no_total: bool,
    /// The total is so much too high.
    pub total_off: usize,
    /// Gives lists by cursor.
    pub cursors: bool,
    /// The cursor stays the same for ever.
    pub stuck_cursor: bool,
    /// Each page has a cursor that was not there yet, and the first record again.
    pub same_record: bool,
    /// Each page has a cursor that was not there yet, also where nobody is left.
    pub endless_cursors: bool,
    /// Refuses to change an element that is not there.
    pub strict_elements: bool,
    /// Says yes to a change of an element that is not there, and does nothing.
    pub deaf_elements: bool,
    /// Knows no path with a filter.
    pub no_element_paths: bool,
    /// Errors come as successes.
    pub errors_as_success: bool,
    /// Only the location tells the id of a new record.
    pub id_in_location: bool,
    /// Says neither record nor location.
    pub id_nowhere: bool,
    /// Mail addresses are plain texts, booleans are words.
    pub plain_values: bool,
    /// Every write of a record needs `If-Match`.
    pub wants_version: bool,
    pub no_last_modified: bool,
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Answered like this, nothing is done.
    Answer(u16, Vec<(&'static str, String)>, Value),
    /// Done, and the connection breaks before the answer.
    LostAnswer,
    /// The connection breaks before anything is done.
    HangUp,
    /// Somebody changes the record just before.
    Overtaken,
}

#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The request line with its query decoded.
    pub fn line(&self) -> String {
        let decoded = self.target.split_once('?').map_or_else(
            || self.target.clone(),
            |(path, query)| {
                let pairs: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{path}?{}", pairs.join("&"))
            },
        );
        format!("{} {decoded}", self.method)
    }

    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.target.contains("token")
    }
}

#[derive(Default)]
pub struct Data {
    pub habits: Habits,
    pub users: Vec<Map<String, Value>>,
    pub groups: Vec<Map<String, Value>>,
    pub seen: Vec<Seen>,
    /// Each is spent on the next request of its method.
    pub faults: VecDeque<(&'static str, Fault)>,
    /// A record that is deleted, by place, before the page that begins there is given.
    pub shrinks_at: Option<usize>,
    /// The header and the value that let a request in.
    pub door: Option<(String, String)>,
    /// Tokens that were given out.
    pub granted: u32,
    next: u64,
}

impl Data {
    fn list(&mut self, kind: &str) -> Option<&mut Vec<Map<String, Value>>> {
        match kind {
            "Users" => Some(&mut self.users),
            "Groups" => Some(&mut self.groups),
            _ => None,
        }
    }

    pub fn user(&self, name: &str) -> Option<Value> {
        let found = self.users.iter().find(|u| u["userName"].as_str() == Some(name));
        found.cloned().map(Value::Object)
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.users.iter().map(|u| u["userName"].as_str().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    }

    /// Puts a record in, as if it had always been there.
    pub fn seed(&mut self, kind: &str, record: Value) -> String {
        let Value::Object(mut record) = record else { panic!("an object") };
        self.next += 1;
        let id = format!("id-{}", self.next);
        record.insert("id".into(), json!(id));
        stamp(&mut record, self.next, self.habits.no_last_modified);
        self.list(kind).unwrap().push(record);
        id
    }

    pub fn writes(&self) -> Vec<String> {
        self.seen.iter().filter(|s| s.is_write()).map(Seen::line).collect()
    }
}

fn stamp(record: &mut Map<String, Value>, turn: u64, timeless: bool) {
    let mut meta = json!({"version": format!("W/\"{turn}\"")});
    if !timeless {
        let minute = turn % 60;
        meta["lastModified"] = json!(format!("2026-01-{:02}T00:{minute:02}:00Z", 1 + (turn / 60) % 28));
    }
    record.insert("meta".into(), meta);
}

/// The server; it ends with the test.
pub struct ScimServer {
    pub url: String,
    data: Arc<Mutex<Data>>,
    over: Arc<AtomicBool>,
}

impl ScimServer {
    pub fn new(habits: Habits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
        let door = Some(("authorization".to_owned(), format!("Bearer {TOKEN}")));
        let data = Arc::new(Mutex::new(Data { habits, door, ..Data::default() }));
        let over = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (Arc::clone(&data), Arc::clone(&over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), data) = (stream, Arc::clone(&shared)) else { continue };
                std::thread::spawn(move || {
                    // A client that hangs up has seen enough.
                    let _ = serve(stream, &data);
                });
            }
        });
        Self { url, data, over }
    }

    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    /// With so many people, `user1` to `userN`.
    pub fn with_people(habits: Habits, people: usize) -> Self {
        let server = Self::new(habits);
        for n in 1..=people {
            let person = json!({
                "userName": format!("user{n}"), "active": true,
                "name": {"givenName": format!("Given{n}"), "familyName": format!("Family{n}")},
                "emails": [{"value": format!("user{n}@example.org"), "type": "work", "primary": true}],
            });
            server.data().seed("Users", person);
        }
        server
    }
}

impl Drop for ScimServer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener, so that its thread ends.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://").trim_end_matches("/scim/v2"));
    }
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

impl Reply {
    fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    fn error(status: u16, scim_type: &str, detail: &str) -> Self {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.to_string(), "detail": detail,
        });
        if !scim_type.is_empty() {
            body["scimType"] = json!(scim_type);
        }
        Self::new(status, body)
    }
}

fn serve(stream: TcpStream, data: &Mutex<Data>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(()) };
    let mut seen = Seen {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: String::new(),
    };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        seen.headers.push((name.to_owned(), value.to_owned()));
    }
    let length = seen.header("content-length").map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    seen.body = String::from_utf8(body).unwrap();
    let Some(reply) = answered(&mut data.lock().unwrap(), seen) else { return Ok(()) };
    let text = if reply.body.is_null() { String::new() } else { reply.body.to_string() };
    let mut head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\nconnection: close\r\n",
        reply.status,
        text.len()
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = stream;
    stream.write_all(format!("{head}\r\n{text}").as_bytes())
}

/// The answer; `None` breaks the connection.
fn answered(data: &mut Data, seen: Seen) -> Option<Reply> {
    data.seen.push(seen.clone());
    let at = data.faults.iter().position(|(method, _)| *method == seen.method);
    let fault = at.and_then(|at| data.faults.remove(at)).map(|(_, fault)| fault);
    match fault {
        Some(Fault::HangUp) => return None,
        Some(Fault::Answer(status, headers, body)) => return Some(Reply { status, headers, body }),
        Some(Fault::Overtaken) => {
            data.next += 1;
            let turn = data.next;
            if let Some(user) =
                data.users.iter_mut().find(|u| seen.target.ends_with(u["id"].as_str().unwrap()))
            {
                user.insert("nickName".into(), json!(format!("overtaken-{turn}")));
                stamp(user, turn, false);
            }
        }
        _ => {}
    }
    let mut reply = if seen.target.starts_with("/token") { token(data, &seen) } else { route(data, &seen) };
    if data.habits.errors_as_success && reply.status >= 400 && reply.status != 401 {
        reply.status = 200;
    }
    if matches!(fault, Some(Fault::LostAnswer)) { None } else { Some(reply) }
}

/// The token address of an OAuth server, for the app `app` with the secret `app-secret`.
fn token(data: &mut Data, seen: &Seen) -> Reply {
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect();
    let is = |name: &str, value: &str| form.iter().any(|(n, v)| n == name && v == value);
    let granted = is("client_secret", "app-secret")
        && (is("grant_type", "client_credentials")
            || (is("grant_type", "refresh_token") && is("refresh_token", "test-refresh-1")));
    if !granted {
        return Reply::new(401, json!({"error": "invalid_client", "error_description": "who is this"}));
    }
    data.granted += 1;
    let token = format!("granted-{}", data.granted);
    data.door = Some(("authorization".into(), format!("Bearer {token}")));
    Reply::new(200, json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
}

fn route(data: &mut Data, seen: &Seen) -> Reply {
    if let Some((name, value)) = &data.door
        && seen.header(name) != Some(value)
    {
        return Reply::error(401, "", "no such token");
    }
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let Some(path) = path.strip_prefix("/scim/v2/") else { return Reply::error(404, "", "nothing here") };
    let (kind, id) = path.split_once('/').unwrap_or((path, ""));
    if ["ServiceProviderConfig", "ResourceTypes", "Schemas"].contains(&kind) {
        return about(&data.habits, kind);
    }
    if data.list(kind).is_none() {
        return Reply::error(404, "", "no such type");
    }
    match (seen.method.as_str(), id) {
        ("GET", "") => list(data, kind, &query),
        ("GET", id) => match data.list(kind).unwrap().iter().find(|r| r["id"] == id).cloned() {
            Some(record) => shown(&data.habits, 200, record),
            None => Reply::error(404, "", "no such record"),
        },
        ("POST", "") => create(data, kind, seen),
        ("PATCH", _) if data.habits.no_patch => Reply::error(501, "", "PATCH is not for us"),
        ("PUT", _) if data.habits.no_put => Reply::error(405, "", "PUT is not for us"),
        ("DELETE", _) if data.habits.no_delete => Reply::error(405, "", "nothing is deleted here"),
        ("PATCH" | "PUT" | "DELETE", id) => change(data, kind, id, seen),
        _ => Reply::error(405, "", "not like this"),
    }
}

fn about(habits: &Habits, what: &str) -> Reply {
    if habits.tells_nothing {
        return Reply::error(404, "", "nothing to tell");
    }
    let schema = |id: &str, attributes: Value| json!({"id": id, "attributes": attributes});
    let text = |name: &str| json!({"name": name, "type": "string"});
    let list = |name: &str, types: &[&str]| {
        json!({"name": name, "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "type": "string"}, {"name": "type", "type": "string", "canonicalValues": types},
            {"name": "primary", "type": "boolean"},
        ]})
    };
    Reply::new(
        200,
        match what {
            "ServiceProviderConfig" => json!({
                "patch": {"supported": !habits.says_no_patch}, "filter": {"supported": !habits.says_no_filter, "maxResults": 200},
                "etag": {"supported": true}, "bulk": {"supported": false}, "sort": {"supported": false},
                "pagination": {"cursor": habits.cursors, "index": !habits.cursors},
                "authenticationSchemes": [{"name": "OAuth Bearer Token", "type": "oauthbearertoken"}],
            }),
            "ResourceTypes" => json!({"totalResults": 3, "Resources": [
                {"name": "User", "endpoint": "/Users", "schema": format!("{CORE}User"), "schemaExtensions": [{"schema": ENTERPRISE, "required": false}]},
                {"name": "Group", "endpoint": "https://elsewhere.example/scim/v2/Groups", "schema": format!("{CORE}Group")},
                {"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"},
            ]}),
            _ => json!({"totalResults": 3, "Resources": [
                schema(&format!("{CORE}User"), json!([
                    {"name": "userName", "type": "string", "required": true, "uniqueness": "server"},
                    {"name": "name", "type": "complex", "subAttributes": [text("givenName"), text("familyName")]},
                    text("displayName"), text("nickName"), text("title"), {"name": "active", "type": "boolean"},
                    {"name": "userType", "type": "string", "mutability": "immutable"},
                    {"name": "profileUrl", "type": "reference"},
                    list("emails", &["work", "home"]), list("phoneNumbers", &["work", "mobile"]),
                    {"name": "addresses", "type": "complex", "multiValued": true, "subAttributes": [
                        text("streetAddress"), text("locality"), text("region"), text("postalCode"), text("country"), text("type"),
                    ]},
                    {"name": "groups", "type": "complex", "multiValued": true, "mutability": "readOnly",
                        "subAttributes": [text("value"), text("$ref")]},
                ])),
                schema(&format!("{CORE}Group"), json!([
                    {"name": "displayName", "type": "string", "required": true},
                    {"name": "members", "type": "complex", "multiValued": true, "subAttributes": [text("value"), text("$ref"), text("display")]},
                ])),
                schema(ENTERPRISE, json!([text("department"), text("organization"),
                    {"name": "manager", "type": "complex", "subAttributes": [text("value")]}])),
            ]}),
        },
    )
}

/// A record as this server shows it.
fn shown(habits: &Habits, status: u16, mut record: Map<String, Value>) -> Reply {
    if habits.plain_values {
        if let Some(Value::Array(emails)) = record.get_mut("emails") {
            emails.iter_mut().for_each(|email| *email = email["value"].take());
        }
        if let Some(active) = record.get_mut("active") {
            *active = json!(if *active == json!(true) { "True" } else { "False" });
        }
    }
    let version = record["meta"]["version"].as_str().unwrap_or_default().to_owned();
    Reply { status, headers: vec![("etag", version)], body: Value::Object(record) }
}

fn list(data: &mut Data, kind: &str, query: &[(String, String)]) -> Reply {
    let habits = data.habits.clone();
    let told = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    if habits.no_attributes && told("attributes").is_some() {
        return Reply::error(400, "invalidValue", "attributes is not for us");
    }
    let filter = match told("filter") {
        Some(_) if habits.no_filter => return Reply::error(400, "invalidFilter", "no filters here"),
        Some(_) if habits.ignores_filter => None,
        other => other,
    };
    let start: usize = match (told("startIndex"), told("cursor")) {
        (_, Some(cursor)) if habits.cursors => cursor.trim_start_matches('c').parse().unwrap_or(1),
        (Some(_), _) if habits.ignores_start => 1,
        (Some(start), _) => start.parse().unwrap(),
        _ => 1,
    };
    if data.shrinks_at.is_some_and(|at| start >= at) {
        data.shrinks_at = None;
        data.list(kind).unwrap().remove(0);
    }
    let all: Vec<Map<String, Value>> = data
        .list(kind)
        .unwrap()
        .iter()
        .filter(|r| filter.is_none_or(|f| meets(&habits, r, f)))
        .cloned()
        .collect();
    if all.is_empty() && filter.is_some() && habits.nothing_is_404 {
        return Reply::error(404, "", "no such users");
    }
    if habits.no_place_behind && start > all.len().max(1) {
        return Reply::error(400, "invalidValue", "startIndex is too large");
    }
    let count = told("count").map_or(100, |c| c.parse().unwrap());
    let count = habits.page.map_or(count, |most| most.min(count));
    let (from, count) = if habits.same_record { (0, 1) } else { (start - 1, count) };
    let page: Vec<Value> =
        all.iter().skip(from).take(count).map(|r| shown(&habits, 200, r.clone()).body).collect();
    let mut body = json!({"startIndex": start, "itemsPerPage": page.len(), "totalResults": all.len() + habits.total_off});
    if habits.total_of_page {
        body["totalResults"] = json!(page.len());
    }
    if habits.no_total {
        body.as_object_mut().unwrap().shift_remove("totalResults");
    }
    if habits.cursors && (habits.endless_cursors || start + page.len() <= all.len()) {
        let next = if habits.stuck_cursor { 1 } else { start + page.len().max(1) };
        body["nextCursor"] = json!(format!("c{next}"));
    }
    body["Resources"] = Value::Array(page);
    Reply { status: 200, headers: vec![("date", "Fri, 02 Jan 2026 00:00:00 GMT".into())], body }
}

/// `attribute op "value"`, alone or joined by `and`, `or`.
fn meets(habits: &Habits, record: &Map<String, Value>, filter: &str) -> bool {
    if let Some((left, right)) = filter.split_once(") and (") {
        return meets(habits, record, left.trim_start_matches('('))
            && meets(habits, record, right.trim_end_matches(')'));
    }
    if let Some((attribute, inside)) = filter.trim_end_matches(']').split_once('[') {
        let elements = record.get(attribute).and_then(Value::as_array).cloned().unwrap_or_default();
        return elements
            .iter()
            .filter_map(Value::as_object)
            .any(|element| inside.split(" and ").all(|part| meets(habits, element, part)));
    }
    let mut words = filter.splitn(3, ' ');
    let (path, op, literal) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or("null"));
    if habits.blind_to_time && path == "meta.lastModified" {
        return false;
    }
    let wanted: Value = serde_json::from_str(literal).unwrap();
    let (head, sub) = path.split_once('.').unwrap_or((path, ""));
    let found = match record.get(head) {
        Some(Value::Array(items)) => items.iter().map(|i| i[sub].clone()).collect(),
        Some(Value::Object(parts)) => parts.get(sub).cloned().into_iter().collect(),
        other => other.cloned().into_iter().collect::<Vec<Value>>(),
    };
    let lower = |v: &Value| v.as_str().map(str::to_lowercase).unwrap_or_else(|| v.to_string());
    found.iter().any(|value| match op {
        "eq" => lower(value) == lower(&wanted),
        "sw" => lower(value).starts_with(&lower(&wanted)),
        "ge" => lower(value) >= lower(&wanted),
        "pr" => true,
        other => panic!("the test server does not know `{other}`"),
    })
}

fn taken(data: &mut Data, kind: &str, record: &Map<String, Value>) -> bool {
    let id = record.get("id").cloned();
    let name = |r: &Map<String, Value>| r.get("userName").and_then(Value::as_str).map(str::to_lowercase);
    let wanted = name(record);
    kind == "Users" && data.users.iter().any(|u| u.get("id").cloned() != id && name(u) == wanted)
}

fn create(data: &mut Data, kind: &str, seen: &Seen) -> Reply {
    let Value::Object(mut record) = seen.json() else {
        return Reply::error(400, "invalidSyntax", "no object");
    };
    let key = if kind == "Users" { "userName" } else { "displayName" };
    if !record.contains_key(key) {
        return Reply::error(400, "invalidValue", &format!("the attribute {key} is required"));
    }
    if taken(data, kind, &record) {
        return Reply::error(409, "uniqueness", "the userName is taken");
    }
    data.next += 1;
    let id = format!("id-{}", data.next);
    record.insert("id".into(), json!(id));
    stamp(&mut record, data.next, data.habits.no_last_modified);
    data.list(kind).unwrap().push(record.clone());
    let location = ("location", format!("https://elsewhere.example/scim/v2/{kind}/{id}"));
    if data.habits.id_nowhere {
        return Reply::new(201, Value::Null);
    }
    if data.habits.id_in_location {
        return Reply { status: 201, headers: vec![location], body: Value::Null };
    }
    let mut reply = shown(&data.habits, 201, record);
    reply.headers.push(location);
    reply
}

fn change(data: &mut Data, kind: &str, id: &str, seen: &Seen) -> Reply {
    let habits = data.habits.clone();
    let Some(before) = data.list(kind).unwrap().iter().find(|r| r["id"] == id).cloned() else {
        return Reply::error(404, "", "no such record");
    };
    let version = before["meta"]["version"].as_str().map(str::to_owned);
    match seen.header("if-match") {
        Some(wanted) if Some(wanted) != version.as_deref() => {
            return Reply::error(412, "", "the record has changed");
        }
        None if habits.wants_version && seen.method == "PUT" => {
            return Reply::error(428, "", "If-Match is missing");
        }
        _ => {}
    }
    if seen.method == "DELETE" {
        data.list(kind).unwrap().retain(|r| r["id"] != id);
        return Reply::new(204, Value::Null);
    }
    let mut after = if seen.method == "PUT" {
        let Value::Object(mut record) = seen.json() else {
            return Reply::error(400, "invalidSyntax", "no object");
        };
        if record.contains_key("meta") || record.contains_key("groups") {
            return Reply::error(400, "mutability", "meta and groups are ours");
        }
        record.insert("id".into(), json!(id));
        record
    } else {
        let mut record = before;
        for operation in seen.json()["Operations"].as_array().unwrap() {
            if let Err(reply) = patched(&habits, &mut record, operation) {
                return *reply;
            }
        }
        record
    };
    if taken(data, kind, &after) {
        return Reply::error(409, "uniqueness", "the userName is taken");
    }
    data.next += 1;
    stamp(&mut after, data.next, habits.no_last_modified);
    let place = data.list(kind).unwrap().iter_mut().find(|r| r["id"] == id).unwrap();
    *place = after.clone();
    if habits.silent { Reply::new(204, Value::Null) } else { shown(&habits, 200, after) }
}

fn patched(habits: &Habits, record: &mut Map<String, Value>, operation: &Value) -> Result<(), Box<Reply>> {
    let (op, path) = (operation["op"].as_str().unwrap(), operation["path"].as_str().unwrap());
    let value = operation.get("value").cloned();
    let refused = |scim_type: &str, detail: String| Err(Box::new(Reply::error(400, scim_type, &detail)));
    if path.starts_with("userType") {
        return refused("mutability", "the attribute userType is immutable".into());
    }
    if let Some((attribute, rest)) = path.split_once('[') {
        if habits.no_element_paths {
            return refused("invalidPath", format!("{path} is no path"));
        }
        let (filter, sub) = rest.split_once(']').unwrap();
        let sub = sub.trim_start_matches('.');
        let (name, literal) = filter.split_once(" eq ").unwrap();
        let wanted: Value = serde_json::from_str(literal).unwrap();
        let list = record.entry(attribute).or_insert_with(|| json!([])).as_array_mut().unwrap();
        let at = list.iter().position(|e| e[name] == wanted);
        match (op, at, sub) {
            ("remove", Some(at), "") => drop(list.remove(at)),
            ("remove", Some(at), sub) => drop(list[at].as_object_mut().unwrap().shift_remove(sub)),
            (_, Some(at), sub) => list[at][sub] = value.unwrap(),
            (_, None, _) if habits.strict_elements => {
                return refused("noTarget", format!("{path} is not there"));
            }
            (_, None, _) if habits.deaf_elements || op == "remove" => {}
            (_, None, sub) => list.push(json!({name: wanted, sub: value.unwrap()})),
        }
        if list.is_empty() {
            record.shift_remove(attribute);
        }
        return Ok(());
    }
    let (object, path) = match path.strip_prefix(ENTERPRISE) {
        Some(rest) => {
            (record.entry(ENTERPRISE).or_insert_with(|| json!({})).as_object_mut().unwrap(), &rest[1..])
        }
        None => (record, path),
    };
    let (head, sub) = path.split_once('.').map_or((path, None), |(head, sub)| (head, Some(sub)));
    match (op, sub) {
        ("remove", None) => drop(object.shift_remove(head)),
        ("remove", Some(sub)) => {
            if let Some(parts) = object.get_mut(head).and_then(Value::as_object_mut) {
                parts.shift_remove(sub);
            }
        }
        (_, Some(sub)) => object.entry(head).or_insert_with(|| json!({}))[sub] = value.unwrap(),
        ("add", None) if object.get(head).is_some_and(Value::is_array) => {
            let more = value.unwrap();
            object[head].as_array_mut().unwrap().extend(more.as_array().unwrap().clone());
        }
        (_, None) => drop(object.insert(head.to_owned(), value.unwrap())),
    }
    Ok(())
}
