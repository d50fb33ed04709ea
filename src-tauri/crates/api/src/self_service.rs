//! What people do with their own accounts: make one, sign in, keep it up to date. The pages are the server's.
//!
//! Nobody learns here whether somebody else has an account: making one under a name that is taken ends like making one that is
//! new, and signing in takes as long for nobody as for somebody.

use std::{collections::BTreeSet, sync::OnceLock};

use engine::{Edit, EngineError, ObjectWrite, Which};
use model::{Attributes, Filter, ManagedObjectConfig, Pointer, ResourcePath, Secret, filter::Op};
use serde_json::{Map, Value, json};

use crate::{ApiError, App, ErrorCode, dto::PolicyFailure};

/// The type of people.
const KIND: &str = "user";
/// What people sign in with.
const NAME: &str = "userName";
const PASSWORD: &str = "password";
const STATUS: &str = "accountStatus";
/// What people have agreed to, as IDM keeps it.
const TERMS: &str = "termsAccepted";
/// The policy that a name that is taken fails.
const UNIQUE: &str = "UNIQUE";

/// An attribute of a person that pages show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonField {
    /// The attribute.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What a value is.
    pub form: PersonForm,
    /// Whether it must have a value.
    pub required: bool,
    /// Whether people may write it themselves.
    pub editable: bool,
    /// What the schema says about it, for people.
    pub about: Option<String>,
}

/// What a value of a person's attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonForm {
    /// A text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
}

/// A person who signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// The id of the managed user.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// The revision.
    pub rev: String,
    /// What may be seen.
    pub attributes: Attributes,
    /// The version of the privacy policy that was agreed to.
    pub agreed: Option<String>,
    /// Another one as soon as the password is set anew, by whomever and to whatever; `None` without a password.
    pub password: Option<blake3::Hash>,
}

/// Why something was not done.
#[derive(Debug)]
pub enum PersonRefusal {
    /// Values that policies refuse.
    Policies(Vec<PolicyFailure>),
    /// The password that should prove who it is does not.
    WrongPassword,
    /// The account is not there any more, or switched off.
    Gone,
    /// Something is wrong here, not with what was asked.
    Failed(ApiError),
}

impl From<ApiError> for PersonRefusal {
    fn from(error: ApiError) -> Self {
        match error.code {
            ErrorCode::Policy => Self::Policies(error.policies),
            ErrorCode::NotFound => Self::Gone,
            _ => Self::Failed(error),
        }
    }
}

impl From<EngineError> for PersonRefusal {
    fn from(error: EngineError) -> Self {
        ApiError::from(error).into()
    }
}

/// The attributes that pages show, in the schema's order.
fn fields(config: &ManagedObjectConfig) -> Vec<PersonField> {
    config.ordered().filter_map(|name| field(config, name)).collect()
}

fn field(config: &ManagedObjectConfig, name: &str) -> Option<PersonField> {
    let shown = !name.starts_with('_')
        && name != PASSWORD
        && !config.is_private(name)
        && config.flag(name, "viewable", true)
        && !config.flag(name, "isVirtual", false);
    let property = config.schema.properties.get(name).filter(|_| shown)?;
    let kinds = match property.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect()
        }
        _ => Vec::new(),
    };
    let form = match kinds.as_slice() {
        ["string"] => PersonForm::Text,
        ["number" | "integer"] => PersonForm::Number,
        ["boolean"] => PersonForm::Flag,
        _ => return None,
    };
    Some(PersonField {
        name: name.to_owned(),
        title: config.title(name).to_owned(),
        form,
        required: config.schema.required.iter().any(|required| required == name),
        editable: config.flag(name, "userEditable", false),
        about: property
            .get("description")
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty() && *text != config.title(name))
            .map(str::to_owned),
    })
}

/// A hash that no password has, to compare with where there is none: it takes as long as a real one.
static NOBODYS_HASH: OnceLock<String> = OnceLock::new();

fn nobodys_hash() -> &'static str {
    NOBODYS_HASH.get_or_init(|| {
        let random = vault::random_password();
        random.and_then(|password| vault::hash_password(&password)).unwrap_or_default()
    })
}

impl App {
    /// The attributes of a person that pages show.
    pub async fn person_fields(&self) -> Result<Vec<PersonField>, ApiError> {
        Ok(fields(&self.managed_kind(KIND).await?))
    }

    /// The required attributes that nobody may enter for himself; with any of them, nobody can make an account.
    pub async fn person_obstacles(&self) -> Result<Vec<String>, ApiError> {
        let config = self.managed_kind(KIND).await?;
        let fields = fields(&config);
        let entered = |name: &str| fields.iter().any(|f| f.name == name && f.editable);
        let given =
            |name: &str| config.schema.properties.get(name).is_some_and(|p| p.get("default").is_some());
        let required = config.schema.required.iter();
        let mut obstacles: Vec<String> = required
            .filter(|name| *name != PASSWORD && !entered(name) && !given(name))
            .map(|name| config.title(name).to_owned())
            .collect();
        if !config.schema.properties.contains_key(PASSWORD) {
            obstacles.push("a password".into());
        }
        if !entered(NAME) {
            obstacles.push(config.title(NAME).to_owned());
        }
        obstacles.dedup();
        Ok(obstacles)
    }

    /// The titles of the systems that a person's data goes to.
    pub async fn person_recipients(&self) -> Result<Vec<String>, ApiError> {
        let (mappings, connectors) = self.store.read(|r| Ok((r.mappings()?, r.connectors()?))).await?;
        let people = ResourcePath::Managed(KIND.into()).to_string();
        let titles: BTreeSet<String> = mappings
            .iter()
            .filter(|row| row.config.source == people)
            .filter_map(|row| row.config.target_path().ok()?.connector().map(str::to_owned))
            .map(|name| {
                let known = connectors.iter().find(|c| c.config.name.eq_ignore_ascii_case(&name));
                known.map_or(name.clone(), |c| c.config.title().to_owned())
            })
            .collect();
        Ok(titles.into_iter().collect())
    }

    /// Makes an account. A name that is taken is no refusal: nothing is made then, and nobody is told.
    pub async fn person_register(
        &self,
        values: Map<String, Value>,
        password: Secret,
        policy: &str,
    ) -> Result<(), PersonRefusal> {
        let config = self.managed_kind(KIND).await?;
        let mut attributes = self.entered(&config, values);
        attributes.insert(PASSWORD.into(), password.expose().into());
        attributes.insert(TERMS.into(), self.terms(policy));
        let name = attributes.get(NAME).and_then(Value::as_str).unwrap_or_default().to_owned();
        let found = self.engine.validate_managed(KIND, None, attributes.clone(), None).await?;
        let (taken, refused): (Vec<_>, Vec<_>) =
            found.into_iter().map(crate::managed_objects::policy_failure).partition(|f| f.policy == UNIQUE);
        if !refused.is_empty() {
            return Err(PersonRefusal::Policies(refused));
        }
        if !taken.is_empty() {
            // As long as making one.
            let password = password.clone();
            let _ = tokio::task::spawn_blocking(move || vault::hash_password(&password).map(|_| ())).await;
            return Ok(());
        }
        let written = self.write_person(Which::New(None), None, Edit::Merge(attributes), &name).await;
        match written {
            Err(PersonRefusal::Policies(failures)) if failures.iter().all(|f| f.policy == UNIQUE) => Ok(()),
            other => other,
        }
    }

    /// Who signs in with this name and this password; `None` where that is nobody.
    pub async fn person_sign_in(&self, name: &str, password: Secret) -> Result<Option<Person>, ApiError> {
        let config = self.managed_kind(KIND).await?;
        let filter = Filter::Compare(Pointer::parse(NAME), Op::Eq, name.trim().into());
        let found = self.store.read(move |r| r.managed_ids(&config, &filter, 2)).await?;
        let (person, stored) = match found.as_slice() {
            [id] => self.person_and_hash(id).await?.unzip(),
            _ => (None, None),
        };
        let stored = stored.flatten();
        // There is always a hash to compare with: most people that came from another system have no password here.
        let proven = tokio::task::spawn_blocking(move || {
            vault::password_matches(stored.as_deref().unwrap_or_else(|| nobodys_hash()), &password)
        })
        .await
        .map_err(|e| ApiError::new(ErrorCode::Internal, format!("comparing ended unexpectedly: {e}")))?;
        Ok(person.filter(|_| proven))
    }

    /// A person with an account that is not switched off.
    pub async fn person(&self, id: &str) -> Result<Option<Person>, ApiError> {
        Ok(self.person_and_hash(id).await?.map(|(person, _)| person))
    }

    /// The same, with the hash of the password that was in force as the person was read.
    async fn person_and_hash(&self, id: &str) -> Result<Option<(Person, Option<String>)>, ApiError> {
        let config = self.managed_kind(KIND).await?;
        let wanted = id.to_owned();
        let (object, hash) = self
            .store
            .read(move |r| Ok((r.managed(KIND, &wanted)?, r.protected_hash(KIND, &wanted, PASSWORD)?)))
            .await?;
        let Some(object) = object else { return Ok(None) };
        let text = |name: &str| object.attributes.get(name).and_then(Value::as_str);
        if text(STATUS).is_some_and(|status| !status.eq_ignore_ascii_case("active")) {
            return Ok(None);
        }
        let agreed = object.attributes.get(TERMS).and_then(|t| t.get("termsVersion")).and_then(Value::as_str);
        let person = Person {
            id: id.to_owned(),
            name: text(NAME).unwrap_or_default().to_owned(),
            rev: object.rev.to_string(),
            agreed: agreed.map(str::to_owned),
            attributes: crate::mapping_lab::shown(&config, object.attributes.clone()),
            // A hash has a salt of its own, so the same password set again makes another one.
            password: hash.as_deref().map(|hash| blake3::hash(hash.as_bytes())),
        };
        Ok(Some((person, hash)))
    }

    /// Changes what a person may write.
    pub async fn person_change(
        &self,
        person: &Person,
        values: Map<String, Value>,
    ) -> Result<(), PersonRefusal> {
        let config = self.managed_kind(KIND).await?;
        let attributes = self.entered(&config, values);
        let rev = person.rev.parse().ok();
        self.write_person(Which::There(person.id.clone()), rev, Edit::Merge(attributes), &person.name).await
    }

    /// Remembers that a person agrees to a version of the privacy policy.
    pub async fn person_agree(&self, person: &Person, policy: &str) -> Result<(), PersonRefusal> {
        let attributes = Attributes::from_iter([(TERMS.to_owned(), self.terms(policy))]);
        self.write_person(Which::There(person.id.clone()), None, Edit::Merge(attributes), &person.name).await
    }

    /// Changes a person's password, for who knows the old one.
    pub async fn person_change_password(
        &self,
        person: &Person,
        old: Secret,
        new: Secret,
    ) -> Result<(), PersonRefusal> {
        if !self.engine.protected_matches(KIND, &person.id, PASSWORD, old).await? {
            return Err(PersonRefusal::WrongPassword);
        }
        let attributes = Attributes::from_iter([(PASSWORD.to_owned(), new.expose().into())]);
        self.write_person(Which::There(person.id.clone()), None, Edit::Merge(attributes), &person.name).await
    }

    async fn write_person(
        &self,
        which: Which,
        rev: Option<i64>,
        edit: Edit,
        name: &str,
    ) -> Result<(), PersonRefusal> {
        let new = matches!(which, Which::New(_));
        let write =
            ObjectWrite { kind: KIND.into(), which, rev, edit, who: format!("{name} (self-service)") };
        let saved = self.engine.write_object(write).await?;
        self.wake_worker();
        // Who makes an account waits for no other system: by the seconds that it takes, a free name would be told from a taken one.
        if !new {
            self.deliver_blocking(KIND, &saved.id).await;
        }
        Ok(())
    }

    /// Of what was sent, what people may write.
    fn entered(&self, config: &ManagedObjectConfig, values: Map<String, Value>) -> Attributes {
        let fields = fields(config);
        let writable = |name: &str| fields.iter().any(|field| field.name == name && field.editable);
        values.into_iter().filter(|(name, _)| writable(name)).collect()
    }

    fn terms(&self, policy: &str) -> Value {
        json!({"acceptDate": self.at(), "termsVersion": policy})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_show_what_people_may_see() {
        let fields = fields(&ManagedObjectConfig::default_user());
        let named = |name: &str| fields.iter().find(|f| f.name == name);
        for name in ["userName", "givenName", "sn", "mail"] {
            assert!(named(name).is_some_and(|f| f.required && f.editable), "{name}");
        }
        assert!(named("accountStatus").is_some_and(|f| !f.editable));
        for name in
            ["password", "_id", "roles", "manager", "lastSync", "kbaInfo", "preferences", "effectiveRoles"]
        {
            assert_eq!(named(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn who_has_no_password_is_no_quicker_refused_than_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let options = crate::AppOptions {
            data_dir: folder.path().join("data"),
            passphrase: Some("a passphrase for tests".into()),
        };
        let app = App::open(options).await.unwrap();
        let names = [(NAME, "ann"), ("givenName", "Ann"), ("sn", "Lee"), ("mail", "ann@example.org")];
        let ann = names.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        app.write_person(Which::New(None), None, Edit::Merge(ann), "crm").await.unwrap();
        assert!(NOBODYS_HASH.get().is_none());
        assert!(app.person_sign_in("ann", Secret::new("Correct Horse 7")).await.unwrap().is_none());
        assert!(NOBODYS_HASH.get().is_some(), "a hash was compared");
    }
}
