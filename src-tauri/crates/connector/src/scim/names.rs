//! The names that mappings use for SCIM's attributes.
//!
//! | name | means |
//! |---|---|
//! | `userName` | the attribute, whatever it holds: `emails` is the whole list, for scripts |
//! | `name.givenName`, `name/givenName` | a part of a complex attribute |
//! | `emails.work.value`, `emails.work` | the value of the element of that type |
//! | `emails.primary.value` | that of the primary element, else of the first one |
//! | `emails[type eq "work"].value` | the same in SCIM's own words, for any attribute of an element |
//! | `members.value` | the values of all elements, sorted; a change adds and removes single ones |
//! | `urn:...:2.0:User:department` | an attribute of an extension |

use serde_json::{Map, Value, json};

use super::shape::{Declared, Shape, find, get, key_of};
use crate::port::AttributeSchema;

/// Where a name leads in a resource.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// The extension that it belongs to.
    pub urn: Option<String>,
    /// The attribute, as declared.
    pub attribute: String,
    pub place: Place,
    /// Whether the attribute is a list.
    pub multi: bool,
    boolean: bool,
    /// Whether its elements may be of the type `work`.
    has_work: bool,
    pub read_only: bool,
}

/// What of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// All of it.
    Whole,
    /// A part of it.
    Sub(String),
    /// A part of each of its elements, as a sorted list.
    Values(String),
    /// A part of one of its elements.
    Element { which: Which, sub: String },
}

/// Which element of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Which {
    /// The primary one, else the first.
    Primary,
    /// The one whose part has this value.
    Where(String, Value),
}

impl Which {
    fn filter(&self) -> String {
        match self {
            Self::Primary => "primary eq true".to_owned(),
            Self::Where(sub, value) => format!("{sub} eq {value}"),
        }
    }

    fn position(&self, elements: &[Value]) -> Option<usize> {
        match self {
            Self::Primary => {
                let primary = |e: &Value| part(e, "primary").is_some_and(is_true);
                elements.iter().position(primary).or(if elements.is_empty() { None } else { Some(0) })
            }
            Self::Where(sub, wanted) => {
                elements.iter().position(|e| part(e, sub).is_some_and(|v| alike(v, wanted)))
            }
        }
    }

    /// A new element of this kind.
    fn element(&self, has_work: bool) -> Map<String, Value> {
        let pair = |name: &str, value: Value| (name.to_owned(), value);
        match self {
            // Many servers keep an element by its type.
            Self::Primary if has_work => {
                Map::from_iter([pair("type", json!("work")), pair("primary", json!(true))])
            }
            Self::Primary => Map::from_iter([pair("primary", json!(true))]),
            Self::Where(sub, value) => Map::from_iter([pair(sub, value.clone())]),
        }
    }
}

impl Path {
    /// Reads a name. `None` where the type has no such attribute.
    pub fn parse(name: &str, shape: &Shape) -> Option<Self> {
        let (urn, rest, declared) = split(name, shape)?;
        let rest = rest.replacen('/', ".", 2);
        let head_end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (head, tail) = rest.split_at_checked(head_end)?;
        let known = find(declared, head);
        let trusting = !shape.told || (urn.is_some() && declared.is_empty());
        if head.is_empty() || (known.is_none() && !trusting) {
            return None;
        }
        let place = place(tail, known)?;
        let leaf = match (&place, known) {
            (Place::Whole, known) => known,
            (Place::Sub(sub) | Place::Values(sub) | Place::Element { sub, .. }, Some(known)) => {
                known.sub(sub)
            }
            _ => None,
        };
        Some(Self {
            urn,
            attribute: known.map_or_else(|| head.to_owned(), |d| d.name.clone()),
            multi: known.map_or(tail.starts_with('['), |d| d.multi_valued),
            boolean: leaf.is_some_and(Declared::is_boolean),
            has_work: known.is_some_and(|d| d.multi_valued && d.types().iter().any(|t| t == "work")),
            read_only: known.is_some_and(Declared::is_read_only) || leaf.is_some_and(Declared::is_read_only),
            place,
        })
    }

    /// The attribute without its parts, as `attributes=` and PATCH name it.
    pub fn top(&self) -> String {
        match &self.urn {
            Some(urn) => format!("{urn}:{}", self.attribute),
            None => self.attribute.clone(),
        }
    }

    /// The path in SCIM's words (RFC 7644, section 3.5.2).
    pub fn scim(&self) -> String {
        let top = self.top();
        match &self.place {
            Place::Whole => top,
            Place::Sub(sub) | Place::Values(sub) => format!("{top}.{sub}"),
            Place::Element { which, sub } => format!("{top}[{}].{sub}", which.filter()),
        }
    }

    /// The path of the whole element, where it leads to one.
    pub fn element(&self) -> Option<String> {
        match &self.place {
            Place::Element { which, .. } => Some(format!("{}[{}]", self.top(), which.filter())),
            _ => None,
        }
    }

    /// The attribute's value in a resource.
    pub fn attribute_of<'v>(&self, resource: &'v Map<String, Value>) -> Option<&'v Value> {
        match &self.urn {
            None => get(resource, &self.attribute),
            Some(urn) => get(get(resource, urn)?.as_object()?, &self.attribute),
        }
    }

    /// What a resource has there.
    pub fn read(&self, resource: &Map<String, Value>) -> Option<Value> {
        let value = self.attribute_of(resource).filter(|v| !v.is_null())?;
        let found = match &self.place {
            Place::Whole => value.clone(),
            Place::Sub(sub) => match value {
                // Some servers give a list where one value is meant.
                Value::Array(items) => part(items.first()?, sub)?.clone(),
                other => part(other, sub)?.clone(),
            },
            Place::Values(sub) => {
                let mut values: Vec<Value> =
                    elements(value).iter().filter_map(|e| part(e, sub).cloned()).collect();
                values.sort_by_key(Value::to_string);
                values.dedup();
                Value::Array(values)
            }
            Place::Element { which, sub } => {
                let elements = elements(value);
                part(elements.get(which.position(&elements)?)?, sub)?.clone()
            }
        };
        Some(match found {
            Value::String(text) if self.boolean => {
                // Entra's way to write booleans.
                match text.to_ascii_lowercase().as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => Value::String(text),
                }
            }
            other => other,
        })
    }

    /// Puts a value there; null takes it away.
    pub fn put(&self, resource: &mut Map<String, Value>, value: &Value) {
        let nothing = !model::filter::is_present(value);
        match &self.urn {
            None => self.put_in(resource, value, nothing),
            Some(urn) => {
                let key = key_of(resource, urn);
                let slot = resource.entry(key.clone()).or_insert_with(|| json!({}));
                if let Value::Object(extension) = slot {
                    self.put_in(extension, value, nothing);
                    if extension.is_empty() {
                        resource.shift_remove(&key);
                    }
                }
            }
        }
    }

    fn put_in(&self, object: &mut Map<String, Value>, value: &Value, nothing: bool) {
        let key = key_of(object, &self.attribute);
        let left = match &self.place {
            Place::Whole if nothing => None,
            Place::Whole => Some(value.clone()),
            Place::Sub(sub) => {
                let mut parts = object.get(&key).and_then(Value::as_object).cloned().unwrap_or_default();
                set(&mut parts, sub, value, nothing);
                (!parts.is_empty()).then_some(Value::Object(parts))
            }
            Place::Values(sub) => {
                let wanted = wanted_values(value, sub);
                let mut list = object.get(&key).map(elements).unwrap_or_default();
                list.retain(|e| part(e, sub).is_some_and(|v| wanted.iter().any(|w| alike(v, w))));
                for value in wanted {
                    if !list.iter().any(|e| part(e, sub).is_some_and(|v| alike(v, &value))) {
                        list.push(json!({ sub.as_str(): value }));
                    }
                }
                (!list.is_empty()).then_some(Value::Array(list))
            }
            Place::Element { which, sub } => {
                let mut list = object.get(&key).map(elements).unwrap_or_default();
                put_in_element(&mut list, which, sub, (value, nothing), self.has_work);
                (!list.is_empty()).then_some(Value::Array(list))
            }
        };
        match left {
            Some(value) => {
                object.insert(key, value);
            }
            None => {
                object.shift_remove(&key);
            }
        }
    }
}

fn put_in_element(
    list: &mut Vec<Value>,
    which: &Which,
    sub: &str,
    (value, nothing): (&Value, bool),
    has_work: bool,
) {
    let at = which.position(list);
    if nothing {
        let Some(at) = at else { return };
        if let Some(Value::Object(element)) = list.get_mut(at) {
            set(element, sub, value, true);
            // An element of which only its kind is left says nothing.
            let says = |name: &str| !["type", "primary", "display"].contains(&name);
            if sub == "value" || !element.keys().any(|name| says(name)) {
                list.remove(at);
            }
        }
        return;
    }
    match at.and_then(|at| list.get_mut(at)) {
        Some(Value::Object(element)) => set(element, sub, value, false),
        _ => {
            let mut element = which.element(has_work);
            set(&mut element, sub, value, false);
            list.push(Value::Object(element));
        }
    }
}

fn set(object: &mut Map<String, Value>, name: &str, value: &Value, nothing: bool) {
    let key = key_of(object, name);
    if nothing {
        object.shift_remove(&key);
    } else {
        object.insert(key, value.clone());
    }
}

/// Whether a server keeps two values of an attribute as one: the values of a list have no order, a user name has no case.
pub(super) fn keeps_alike(attribute: &str, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().all(|v| b.contains(v)) && b.iter().all(|v| a.contains(v))
        }
        _ => ["userName", "__NAME__"].contains(&attribute) && alike(a, b),
    }
}

/// Whether two values of an identifying part are the same; texts do not differ by case.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.to_lowercase() == b.to_lowercase(),
        (Value::Bool(_), Value::String(_)) | (Value::String(_), Value::Bool(_)) => is_true(a) == is_true(b),
        _ => a == b,
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|t| t.eq_ignore_ascii_case("true")))
}

/// A part of an element. WSO2 gives plain texts where an element with a value is meant.
fn part<'v>(element: &'v Value, sub: &str) -> Option<&'v Value> {
    match element {
        Value::Object(parts) => get(parts, sub).filter(|v| !v.is_null()),
        Value::Null => None,
        plain if sub.eq_ignore_ascii_case("value") => Some(plain),
        _ => None,
    }
}

/// The elements of a list, each as an object.
fn elements(value: &Value) -> Vec<Value> {
    let object = |element: &Value| match element {
        Value::Object(_) => element.clone(),
        plain => json!({ "value": plain }),
    };
    match value {
        Value::Array(items) => items.iter().filter(|i| !i.is_null()).map(object).collect(),
        Value::Null => Vec::new(),
        one => vec![object(one)],
    }
}

/// The values that a list should have: texts, or elements with that part.
pub(super) fn wanted_values(value: &Value, sub: &str) -> Vec<Value> {
    let mut values: Vec<Value> =
        elements(value).iter().filter_map(|e| part(e, sub).or_else(|| part(e, "value")).cloned()).collect();
    values.sort_by_key(Value::to_string);
    values.dedup();
    values
}

/// What a change of a list adds and takes away.
pub(super) fn difference(before: &[Value], wanted: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let missing = |from: &[Value], value: &Value| !from.iter().any(|v| alike(v, value));
    let added = wanted.iter().filter(|v| missing(before, v)).cloned().collect();
    let removed = before.iter().filter(|v| missing(wanted, v)).cloned().collect();
    (added, removed)
}

/// Takes the schema's URN off a name: the extension, the rest, and the attributes declared there.
fn split<'n, 's>(name: &'n str, shape: &'s Shape) -> Option<(Option<String>, &'n str, &'s [Declared])> {
    let behind = |urn: &str| {
        let (head, tail) = name.split_at_checked(urn.len())?;
        if head.eq_ignore_ascii_case(urn) { tail.strip_prefix(':') } else { None }
    };
    if let Some(rest) = behind(&shape.core.id) {
        return Some((None, rest, &shape.core.attributes));
    }
    for extension in &shape.extensions {
        if let Some(rest) = behind(&extension.id) {
            return Some((Some(extension.id.clone()), rest, &extension.attributes));
        }
    }
    if name.to_ascii_lowercase().starts_with("urn:") {
        let end = name.find('[').unwrap_or(name.len());
        let colon = name.get(..end)?.rfind(':')?;
        let (urn, rest) = name.split_at_checked(colon)?;
        // An extension that the server has not told; its schema may be kept from readers.
        return Some((Some(urn.to_owned()), rest.strip_prefix(':')?, &[]));
    }
    Some((None, name, &shape.core.attributes))
}

/// What stands behind an attribute's name.
fn place(tail: &str, known: Option<&Declared>) -> Option<Place> {
    if tail.is_empty() {
        return Some(Place::Whole);
    }
    if let Some(inside) = tail.strip_prefix('[') {
        let (filter, rest) = inside.rsplit_once(']')?;
        let sub = if rest.is_empty() { "value" } else { rest.strip_prefix('.')? };
        let (name, literal) = filter.split_once(' ')?;
        let (operator, literal) = literal.trim_start().split_once(' ')?;
        if !operator.eq_ignore_ascii_case("eq") || sub.is_empty() {
            return None;
        }
        let value: Value = serde_json::from_str(literal.trim()).ok()?;
        return Some(Place::Element { which: Which::Where(name.to_owned(), value), sub: sub.to_owned() });
    }
    let rest = tail.strip_prefix('.')?;
    let multi = known.is_some_and(|d| d.multi_valued);
    if !multi {
        let complex = known.is_none_or(Declared::is_complex);
        return (complex && !rest.is_empty()).then(|| Place::Sub(rest.to_owned()));
    }
    let which = |word: &str| match word {
        "primary" => Which::Primary,
        word => Which::Where("type".to_owned(), json!(word)),
    };
    match rest.split_once('.') {
        Some((word, sub)) if !word.is_empty() && !sub.is_empty() => {
            Some(Place::Element { which: which(word), sub: sub.to_owned() })
        }
        Some(_) => None,
        None if rest.is_empty() => None,
        None if rest != "primary" && known.is_some_and(|d| d.sub(rest).is_some()) => {
            Some(Place::Values(rest.to_owned()))
        }
        None => Some(Place::Element { which: which(rest), sub: "value".to_owned() }),
    }
}

/// The attributes of a type under the names that mappings use.
pub(super) fn listed(shape: &Shape) -> Vec<AttributeSchema> {
    let mut rows = Vec::new();
    let mut list = |prefix: &str, attributes: &[Declared]| {
        for declared in attributes.iter().filter(|d| !d.name.eq_ignore_ascii_case("schemas")) {
            list_one(&mut rows, &format!("{prefix}{}", declared.name), declared);
        }
    };
    list("", &shape.core.attributes);
    for extension in &shape.extensions {
        list(&format!("{}:", extension.id), &extension.attributes);
    }
    rows
}

fn list_one(rows: &mut Vec<AttributeSchema>, name: &str, declared: &Declared) {
    let mut row = |name: String, leaf: &Declared, kind: &str, required: bool| {
        rows.push(AttributeSchema {
            label: name.rsplit(':').next().unwrap_or(&name).to_owned(),
            kind: kind.to_owned(),
            required,
            writable: !declared.is_read_only() && !leaf.is_read_only(),
            unique: leaf.is_unique(),
            options: leaf.options(),
            name,
        });
    };
    let kind = |leaf: &Declared| {
        if leaf.kind.is_empty() { "string".to_owned() } else { leaf.kind.clone() }
    };
    if !declared.is_complex() {
        let kind = if declared.multi_valued { "array".to_owned() } else { kind(declared) };
        row(name.to_owned(), declared, &kind, declared.required);
        return;
    }
    if !declared.multi_valued {
        for sub in &declared.sub_attributes {
            row(format!("{name}.{}", sub.name), sub, &kind(sub), declared.required && sub.required);
        }
        return;
    }
    row(name.to_owned(), declared, "array", declared.required);
    let has_value = declared.sub("value").is_some();
    let types = declared.types();
    if has_value && (declared.refers() || types.is_empty()) {
        row(format!("{name}.value"), declared, "array", false);
    }
    if declared.refers() {
        return;
    }
    let says = |sub: &&Declared| !["type", "primary", "display"].contains(&sub.name.as_str());
    let places = declared.sub("primary").map(|_| "primary".to_owned()).into_iter().chain(types);
    for place in places {
        for sub in declared.sub_attributes.iter().filter(says) {
            row(format!("{name}.{place}.{}", sub.name), sub, &kind(sub), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Path;
    use crate::scim::shape::{ENTERPRISE, Shape};

    #[test]
    fn names_lead_to_scims_paths() {
        let shape = Shape::assumed("User");
        for (name, expect) in [
            ("userName", Some("userName")),
            ("USERNAME", Some("userName")),
            ("name", Some("name")),
            ("name.givenName", Some("name.givenName")),
            ("name/givenName", Some("name.givenName")),
            ("emails", Some("emails")),
            ("emails.value", Some("emails.value")),
            ("emails.work", Some(r#"emails[type eq "work"].value"#)),
            ("emails.work.value", Some(r#"emails[type eq "work"].value"#)),
            ("emails/other/value", Some(r#"emails[type eq "other"].value"#)),
            (r#"emails[type eq "a.b"].display"#, Some(r#"emails[type eq "a.b"].display"#)),
            (r#"emails[value eq "a]b"]"#, Some(r#"emails[value eq "a]b"].value"#)),
            ("emails.primary.value", Some("emails[primary eq true].value")),
            ("addresses.home.locality", Some(r#"addresses[type eq "home"].locality"#)),
            ("meta.lastModified", Some("meta.lastModified")),
            ("urn:ietf:params:scim:schemas:core:2.0:User:title", Some("title")),
            (&format!("{ENTERPRISE}:manager.value"), Some(&*format!("{ENTERPRISE}:manager.value"))),
            ("urn:acme:2.0:User:badge", Some("urn:acme:2.0:User:badge")),
            // Without the server's own word nothing speaks against it.
            ("shoeSize", Some("shoeSize")),
            ("userName.first", None),
            ("emails[type co \"w\"]", None),
            ("emails[", None),
            ("emails.", None),
            ("emails.work.", None),
            ("", None),
        ] {
            let found = Path::parse(name, &shape).map(|path| path.scim());
            assert_eq!(found.as_deref(), expect, "{name}");
        }
        let told = Shape { told: true, ..shape };
        assert_eq!(Path::parse("shoeSize", &told), None);
    }

    #[test]
    fn what_is_put_is_read_again_and_null_takes_it_away() {
        let shape = Shape::assumed("User");
        let department = format!("{ENTERPRISE}:department");
        for (name, value, resource) in [
            ("title", json!("Boss"), json!({"title": "Boss"})),
            ("name.givenName", json!("Ann"), json!({"name": {"givenName": "Ann"}})),
            ("active", json!(false), json!({"active": false})),
            ("emails.work", json!("a@b"), json!({"emails": [{"type": "work", "value": "a@b"}]})),
            (
                "emails.primary.value",
                json!("a@b"),
                json!({"emails": [{"type": "work", "primary": true, "value": "a@b"}]}),
            ),
            (
                "addresses.home.locality",
                json!("Bonn"),
                json!({"addresses": [{"type": "home", "locality": "Bonn"}]}),
            ),
            ("roles.value", json!(["a", "b"]), json!({"roles": [{"value": "a"}, {"value": "b"}]})),
            (&department, json!("Sales"), json!({ENTERPRISE: {"department": "Sales"}})),
        ] {
            let path = Path::parse(name, &shape).unwrap();
            let mut made = serde_json::Map::new();
            path.put(&mut made, &value);
            assert_eq!(Value::Object(made.clone()), resource, "{name}");
            assert_eq!(path.read(&made), Some(value), "{name}");
            path.put(&mut made, &Value::Null);
            assert_eq!(Value::Object(made), json!({}), "{name}");
        }
    }
}
