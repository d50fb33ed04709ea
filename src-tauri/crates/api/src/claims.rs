//! Claims as WSO2 Identity Server calls them, brought into the schema of a managed type: which attributes are supported,
//! required, read-only, with which pattern, title and order.
//!
//! A claim is about the attribute that stands for it: one that its URI is known for, else the one of its `AttributeID`, else one
//! by the last step of its URI, which is made where the claim is supported.

mod reading;

use std::{collections::BTreeMap, path::PathBuf};

use model::{ManagedObjectConfig, policy};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    ApiError, App, ErrorCode,
    dto::{ClaimTaken, ClaimsApplied, ClaimsApply, ManagedTypeDraft, TypeProblem},
};
use reading::Claim;

/// The type that claims are about.
const KIND: &str = "user";
/// The policy that a claim's pattern becomes.
const PATTERN: &str = "regexpMatches";

/// What the last step of a claim's URI is called here, where that is another name.
const KNOWN: &[(&str, &str)] = &[
    ("username", "userName"),
    ("userName", "userName"),
    ("givenname", "givenName"),
    ("name.givenName", "givenName"),
    ("lastname", "sn"),
    ("name.familyName", "sn"),
    ("emailaddress", "mail"),
    ("emails", "mail"),
    ("telephone", "telephoneNumber"),
    ("phoneNumbers", "telephoneNumber"),
    ("phoneNumbers.work", "telephoneNumber"),
    ("mobile", "mobilePhone"),
    ("phoneNumbers.mobile", "mobilePhone"),
    ("organization", "companyName"),
    ("streetaddress", "postalAddress"),
    ("addresses.streetAddress", "postalAddress"),
    ("locality", "city"),
    ("addresses.locality", "city"),
    ("region", "stateProvince"),
    ("stateorprovince", "stateProvince"),
    ("addresses.region", "stateProvince"),
    ("postalcode", "postalCode"),
    ("addresses.postalCode", "postalCode"),
    ("addresses.country", "country"),
    ("url", "website"),
    ("profileUrl", "website"),
];

/// Asks to take over claims.
#[derive(Debug, Clone)]
pub struct ClaimsImport {
    /// A file of claims: JSON, CSV or XML.
    pub file: PathBuf,
    /// Only says what would change.
    pub preview: bool,
    /// Whether what it does to stored objects is known and meant.
    pub confirmed: bool,
}

/// What became of claims.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimsImported {
    /// What was done, or would be, claim by claim.
    pub claims: Vec<ClaimTaken>,
    /// Whether it was saved.
    pub saved: bool,
    /// What it means for objects that are stored; these have to be confirmed.
    pub problems: Vec<TypeProblem>,
}

/// The URIs of the claims in a text: JSON, XML or CSV.
///
/// # Errors
/// With what is wrong with the text.
pub fn claims_in(text: &str) -> Result<Vec<String>, String> {
    Ok(reading::parse(text)?.into_iter().map(|claim| claim.uri).collect())
}

impl App {
    /// Brings claims into a type that is being edited, without saving it.
    pub async fn claims_apply(&self, request: ClaimsApply) -> Result<ClaimsApplied, ApiError> {
        let wrong =
            |what: String| ApiError::new(ErrorCode::Invalid, format!("the claims cannot be read: {what}"));
        let claims = reading::parse(&request.text).map_err(|what| wrong(format!("the text {what}")))?;
        if claims.is_empty() {
            return Err(wrong("there is no claim in the text; each needs at least its URI".into()));
        }
        let before: ManagedObjectConfig = serde_json::from_value(request.config)
            .map_err(|e| ApiError::new(ErrorCode::Invalid, format!("the type is not one: {e}")))?;
        let (config, claims) = applied(&before, &claims);
        let config = serde_json::to_value(&config)
            .map_err(|e| ApiError::new(ErrorCode::Internal, format!("the type cannot be written: {e}")))?;
        Ok(ClaimsApplied { config, claims })
    }

    /// Brings the claims of a file into the schema of managed users.
    pub async fn import_claims(&self, request: ClaimsImport) -> Result<ClaimsImported, ApiError> {
        let file = request.file.clone();
        let claims = tokio::task::spawn_blocking(move || reading::read(&file)).await.map_err(|e| {
            ApiError::new(ErrorCode::Internal, format!("reading the claims ended unexpectedly: {e}"))
        })??;
        let before = self.managed_kind(KIND).await?;
        let (config, taken) = applied(&before, &claims);
        if request.preview || config == before {
            return Ok(ClaimsImported { claims: taken, saved: false, problems: Vec::new() });
        }
        let config = serde_json::to_value(&config)
            .map_err(|e| ApiError::new(ErrorCode::Internal, format!("the type cannot be written: {e}")))?;
        let draft = ManagedTypeDraft { config, create: false, rev: None, confirmed: request.confirmed };
        let saved = self.managed_type_save(draft).await?;
        Ok(ClaimsImported { claims: taken, saved: saved.saved, problems: saved.problems })
    }
}

/// The type with the claims in it, and what that changes.
fn applied(before: &ManagedObjectConfig, claims: &[Claim]) -> (ManagedObjectConfig, Vec<ClaimTaken>) {
    let mut config = before.clone();
    let mut order: BTreeMap<(u64, usize), String> = BTreeMap::new();
    let mut taken = Vec::with_capacity(claims.len());
    for (at, claim) in claims.iter().enumerate() {
        let mut this =
            ClaimTaken { claim: claim.uri.clone(), attribute: None, changes: Vec::new(), notes: Vec::new() };
        let name = attribute_of(&config, claim);
        let there = config.schema.properties.contains_key(&name);
        let earlier: Option<&ClaimTaken> =
            taken.iter().find(|t: &&ClaimTaken| t.attribute.as_ref() == Some(&name));
        if let Some(earlier) = earlier {
            this.notes.push(format!("left out: `{name}` stands for {} already", earlier.claim));
        } else if !there && !claim.supported {
            this.notes.push("left out: not supported by default, and there is no such attribute here".into());
        } else if is_ours(&config, &name) {
            this.notes.push(format!("left out: `{name}` is no attribute that people enter"));
        } else {
            this.attribute = Some(name.clone());
            apply(&mut config, &name, claim, &mut this);
            if let Some(place) = claim.order.filter(|place| *place > 0) {
                order.insert((place, at), name);
            }
        }
        taken.push(this);
    }
    in_order(&mut config, order.into_values().collect());
    (config, taken)
}

/// The attribute that stands for a claim, whether it is there or not.
fn attribute_of(config: &ManagedObjectConfig, claim: &Claim) -> String {
    let last = last_step(&claim.uri);
    let known = KNOWN.iter().find(|(step, _)| step.eq_ignore_ascii_case(last)).map(|(_, name)| *name);
    if let Some(name) = known.filter(|name| config.schema.properties.contains_key(*name)) {
        return name.to_owned();
    }
    let there = |wanted: &str| {
        config.schema.properties.keys().find(|name| name.eq_ignore_ascii_case(wanted)).cloned()
    };
    there(last)
        .or_else(|| claim.attribute_id.as_deref().and_then(there))
        .unwrap_or_else(|| known.map_or_else(|| as_name(last), str::to_owned))
}

/// The part of a URI after its dialect: `http://wso2.org/claims/mobile`, `urn:...:2.0:User:name.givenName`.
fn last_step(uri: &str) -> &str {
    let after = uri.rsplit('/').next().unwrap_or(uri);
    after.rsplit(':').next().unwrap_or(after)
}

fn as_name(step: &str) -> String {
    step.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Whether an attribute is kept by the server, or is a secret.
fn is_ours(config: &ManagedObjectConfig, name: &str) -> bool {
    name.is_empty()
        || name.starts_with('_')
        || config.is_private(name)
        || config.flag(name, "isVirtual", false)
        || config.protection(name).is_some()
}

fn apply(config: &mut ManagedObjectConfig, name: &str, claim: &Claim, this: &mut ClaimTaken) {
    let required = config.schema.required.iter().any(|r| r == name);
    let fresh = !config.schema.properties.contains_key(name);
    let property = config
        .schema
        .properties
        .entry(name.to_owned())
        .or_insert_with(|| json!({"type": "string", "searchable": false}));
    let Value::Object(property) = property else {
        this.notes.push(format!("left out: the property `{name}` is no object"));
        return;
    };
    if fresh {
        this.changes.push(format!("attribute `{name}` is added"));
    }
    let mut set = |property: &mut Map<String, Value>, key: &str, value: Value, words: String| {
        let same = property.get(key) == Some(&value) || (!property.contains_key(key) && value == Value::Null);
        if !same {
            property.insert(key.to_owned(), value);
            this.changes.push(words);
        }
    };
    if let Some(title) = &claim.title {
        set(property, "title", title.as_str().into(), format!("is called \"{title}\""));
    }
    if let Some(about) = &claim.about {
        set(property, "description", about.as_str().into(), "has another description".into());
    }
    let shown =
        if claim.supported { "supported: shown on profiles" } else { "not supported: hidden on profiles" };
    set(property, "viewable", claim.supported.into(), shown.into());
    let editable = claim.supported && !claim.read_only;
    let written = if editable { "people may change it" } else { "read-only for people" };
    set(property, "userEditable", editable.into(), written.into());
    pattern(property, claim, this);
    if claim.required && !required {
        config.schema.required.push(name.to_owned());
        this.changes.push("required".into());
    } else if !claim.required && required {
        if name == "userName" {
            this.notes.push("stays required: people sign in with it".into());
        } else {
            config.schema.required.retain(|r| r != name);
            this.changes.push("no longer required".into());
        }
    }
    if fresh && !config.schema.order.is_empty() {
        config.schema.order.push(name.to_owned());
    }
}

/// Puts a claim's pattern in the place of the one that is there.
fn pattern(property: &mut Map<String, Value>, claim: &Claim, this: &mut ClaimTaken) {
    let Some(wanted) = &claim.pattern else { return };
    let policy = json!({"policyId": PATTERN, "params": {"regexp": wanted, "flags": ""}});
    if let Some(why) = policy::pattern_problem(wanted) {
        this.notes.push(format!("its pattern {wanted} is left out, because it cannot be read here: {why}"));
        return;
    }
    let list = property.entry("policies").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        this.notes.push("its pattern is left out: `policies` is no list here".into());
        return;
    };
    let is_pattern = |p: &Value| p.get("policyId").and_then(Value::as_str) == Some(PATTERN);
    if list
        .iter()
        .any(|p| is_pattern(p) && p.pointer("/params/regexp") == Some(&Value::from(wanted.as_str())))
    {
        return;
    }
    list.retain(|p| !is_pattern(p));
    list.push(policy);
    this.changes.push(format!("must match {wanted}"));
}

/// The claims' order first, and behind it what has none, as it was.
fn in_order(config: &mut ManagedObjectConfig, first: Vec<String>) {
    if first.is_empty() {
        return;
    }
    let before: Vec<String> = config.ordered().map(str::to_owned).collect();
    let rest = before.into_iter().filter(|name| !first.contains(name));
    // What the server keeps goes before everything, as it did.
    let (ours, rest): (Vec<_>, Vec<_>) = rest.partition(|name| name.starts_with('_'));
    config.schema.order = ours.into_iter().chain(first).chain(rest).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(uri: &str, change: impl Fn(&mut Claim)) -> Claim {
        let mut claim = Claim { uri: uri.into(), supported: true, ..Claim::default() };
        change(&mut claim);
        claim
    }

    #[test]
    fn claims_find_their_attributes() {
        let config = ManagedObjectConfig::default_user();
        for (uri, id, expect) in [
            ("http://wso2.org/claims/givenname", "givenName", "givenName"),
            ("http://wso2.org/claims/lastname", "sn", "sn"),
            ("http://wso2.org/claims/emailaddress", "mail", "mail"),
            ("http://wso2.org/claims/phoneNumbers", "phoneNumbers", "telephoneNumber"),
            ("http://wso2.org/claims/country", "country", "country"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", "", "sn"),
            ("http://wso2.org/claims/strange", "mobilePhone", "mobilePhone"),
            ("http://wso2.org/claims/dob", "dateOfBirth", "dob"),
            ("http://wso2.org/claims/phoneNumbers.home", "", "phoneNumbers_home"),
        ] {
            let claim = claim(uri, |c| c.attribute_id = Some(id.to_owned()).filter(|id| !id.is_empty()));
            assert_eq!(attribute_of(&config, &claim), expect, "{uri}");
        }
    }

    #[test]
    fn what_a_claim_says_is_what_the_schema_says() {
        let before = ManagedObjectConfig::default_user();
        let phone = r"^\+?[0-9 ()-]+$";
        let claims = [
            claim("http://wso2.org/claims/phoneNumbers", |c| {
                c.title = Some("Phone Numbers".into());
                c.required = true;
                c.order = Some(2);
                c.pattern = Some(phone.into());
            }),
            claim("http://wso2.org/claims/telephone", |_| {}),
            claim("http://wso2.org/claims/emailaddress", |c| {
                c.read_only = true;
                c.order = Some(1);
            }),
            claim("http://wso2.org/claims/dob", |c| c.pattern = Some("(?<!a)b".into())),
            claim("http://wso2.org/claims/unknown", |c| c.supported = false),
            claim("http://wso2.org/claims/url", |c| c.supported = false),
            claim("http://wso2.org/claims/username", |_| {}),
            claim("http://wso2.org/claims/password", |_| {}),
        ];
        let (config, taken) = applied(&before, &claims);
        let property = |name: &str| &config.schema.properties[name];
        let phone_property = property("telephoneNumber");
        assert_eq!(phone_property["title"], "Phone Numbers");
        assert_eq!(phone_property["policies"][0]["params"]["regexp"], phone);
        assert!(config.schema.required.contains(&"telephoneNumber".to_owned()));
        assert!(taken[1].notes[0].contains("phoneNumbers"), "one attribute, one claim: {:?}", taken[1]);
        assert_eq!(property("mail")["userEditable"], false);
        assert!(!config.schema.required.contains(&"mail".to_owned()), "the claim says so");
        assert_eq!(property("dob")["viewable"], true);
        assert!(property("dob").get("policies").is_none() && taken[3].notes[0].contains("cannot be read"));
        assert_eq!(taken[4].attribute, None);
        assert_eq!(property("website")["viewable"], false);
        assert!(config.schema.required.contains(&"userName".to_owned()), "people sign in with it");
        assert!(taken[7].notes[0].contains("left out"), "{:?}", taken[7]);
        let shown: Vec<&str> = config.ordered().filter(|name| !name.starts_with('_')).take(2).collect();
        assert_eq!(shown, ["mail", "telephoneNumber"]);
        let (again, taken) = applied(&config, &claims);
        assert_eq!(again, config, "twice is once");
        assert!(taken.iter().all(|t| t.changes.is_empty()), "{taken:?}");
    }
}
