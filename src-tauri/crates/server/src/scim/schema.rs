//! The attributes of users and groups, as RFC 7643 defines them, and the documents that tell clients of them.

use serde_json::{Map, Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Flag,
    Moment,
    /// A reference to one of these.
    Reference(&'static [&'static str]),
    Complex,
}

/// Who may write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
    WriteOnly,
}

/// An attribute. An extension is one too: a complex one whose name is its URN.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub name: &'static str,
    pub form: Form,
    /// There may be several values.
    pub many: bool,
    /// The case of letters matters.
    pub exact: bool,
    pub mutability: Mutability,
    /// No other resource has the same value.
    pub unique: bool,
    /// Clients are told of it. A password is accepted and not told of: what its policies ask for cannot be said in a schema.
    pub told: bool,
    pub subs: &'static [Attribute],
    about: &'static str,
    words: &'static [&'static str],
}

impl Attribute {
    const fn new(name: &'static str, form: Form, about: &'static str) -> Self {
        Self {
            name,
            form,
            many: false,
            exact: false,
            mutability: Mutability::ReadWrite,
            unique: false,
            told: true,
            subs: &[],
            about,
            words: &[],
        }
    }

    const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Form::Text, about)
    }

    const fn complex(name: &'static str, subs: &'static [Attribute], about: &'static str) -> Self {
        Self { subs, ..Self::new(name, Form::Complex, about) }
    }

    const fn list(name: &'static str, subs: &'static [Attribute], about: &'static str) -> Self {
        Self { many: true, ..Self::complex(name, subs, about) }
    }

    const fn exact(self) -> Self {
        Self { exact: true, ..self }
    }

    const fn mutability(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    const fn words(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    const fn untold(self) -> Self {
        Self { told: false, ..self }
    }

    /// The part of a complex attribute with this name, in whatever case.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.subs.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// Whether it is a whole extension.
    pub fn is_extension(&self) -> bool {
        self.name.starts_with("urn:")
    }

    fn document(&self, required: &dyn Fn(&str) -> bool, path: &str) -> Value {
        let path = if path.is_empty() { self.name.to_owned() } else { format!("{path}.{}", self.name) };
        let mut document = json!({
            "name": self.name,
            "type": match self.form {
                Form::Text => "string",
                Form::Flag => "boolean",
                Form::Moment => "dateTime",
                Form::Reference(_) => "reference",
                Form::Complex => "complex",
            },
            "multiValued": self.many,
            "description": self.about,
            "required": required(&path),
            "caseExact": self.exact,
            "mutability": match self.mutability {
                Mutability::ReadWrite => "readWrite",
                Mutability::ReadOnly => "readOnly",
                Mutability::Immutable => "immutable",
                Mutability::WriteOnly => "writeOnly",
            },
            "returned": if self.mutability == Mutability::WriteOnly { "never" } else { "default" },
            "uniqueness": if self.unique { "server" } else { "none" },
        });
        let more = document.as_object_mut();
        if let Some(more) = more {
            if !self.words.is_empty() {
                more.insert("canonicalValues".into(), json!(self.words));
            }
            if let Form::Reference(kinds) = self.form {
                more.insert("referenceTypes".into(), json!(kinds));
            }
            if !self.subs.is_empty() {
                let subs: Vec<Value> =
                    self.subs.iter().filter(|s| s.told).map(|s| s.document(required, &path)).collect();
                more.insert("subAttributes".into(), subs.into());
            }
        }
        document
    }
}

/// A resource type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub name: &'static str,
    /// The end of its endpoint's path.
    pub plural: &'static str,
    pub urn: &'static str,
    /// The managed type that holds it.
    pub managed: &'static str,
    /// With those that every resource has, and the extensions.
    pub attributes: &'static [Attribute],
}

impl Kind {
    /// The attribute with this name, in whatever case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    pub fn extensions(&self) -> impl Iterator<Item = &'static Attribute> {
        self.attributes.iter().filter(|attribute| attribute.is_extension())
    }
}

const TYPES: [&str; 3] = ["work", "home", "other"];
const PHONE_TYPES: [&str; 6] = ["work", "home", "mobile", "fax", "pager", "other"];

const DISPLAY: Attribute = Attribute::text("display", "A name for people to read");
const TYPE: Attribute = Attribute::text("type", "What it is used for");
const PRIMARY: Attribute = Attribute::new("primary", Form::Flag, "Whether it is the preferred one");
const VALUE: Attribute = Attribute::text("value", "The value");

const PLURAL: &[Attribute] = &[VALUE, DISPLAY, TYPE, PRIMARY];
const ID: Attribute = Attribute::text("id", "The identifier, given by this server")
    .exact()
    .mutability(Mutability::ReadOnly)
    .unique()
    .untold();
const EXTERNAL_ID: Attribute = Attribute::text("externalId", "The client's own identifier").exact().untold();
const META: Attribute = Attribute::complex(
    "meta",
    &[
        Attribute::text("resourceType", "The resource's type").exact(),
        Attribute::new("created", Form::Moment, "When it was made"),
        Attribute::new("lastModified", Form::Moment, "When it was last changed"),
        Attribute::new("location", Form::Reference(&["uri"]), "Where it is found").exact(),
        Attribute::text("version", "Its revision, as in the header ETag").exact(),
    ],
    "What this server says about the resource",
)
.mutability(Mutability::ReadOnly)
.untold();

pub(crate) static USERS: Kind = Kind {
    name: "User",
    plural: "Users",
    urn: USER,
    managed: "user",
    attributes: &[
        ID,
        EXTERNAL_ID,
        META,
        Attribute::text("userName", "The name that the person signs in with").unique(),
        Attribute::complex(
            "name",
            &[
                Attribute::text("formatted", "The whole name"),
                Attribute::text("familyName", "The last name"),
                Attribute::text("givenName", "The first name"),
                Attribute::text("middleName", "The middle names"),
                Attribute::text("honorificPrefix", "A title in front of the name"),
                Attribute::text("honorificSuffix", "What follows the name"),
            ],
            "The parts of the person's name",
        ),
        Attribute::text("displayName", "The name that others see"),
        Attribute::text("nickName", "What the person is called"),
        Attribute::new("profileUrl", Form::Reference(&["external"]), "A page about the person"),
        Attribute::text("title", "The job title"),
        Attribute::text("userType", "The relation to the organization: employee, contractor, ..."),
        Attribute::text("preferredLanguage", "The languages that the person likes best"),
        Attribute::text("locale", "Where the person is, for formats of dates and numbers"),
        Attribute::text("timezone", "The person's time zone"),
        Attribute::new("active", Form::Flag, "Whether the account may be used"),
        Attribute::text("password", "The password; it is never given back")
            .exact()
            .mutability(Mutability::WriteOnly)
            .untold(),
        Attribute::list("emails", &[VALUE, DISPLAY, TYPE.words(&TYPES), PRIMARY], "Addresses for e-mail"),
        Attribute::list(
            "phoneNumbers",
            &[VALUE, DISPLAY, TYPE.words(&PHONE_TYPES), PRIMARY],
            "Telephone numbers, kept as they are written",
        ),
        Attribute::list("ims", PLURAL, "Addresses for instant messages"),
        Attribute::list(
            "photos",
            &[
                Attribute::new("value", Form::Reference(&["external"]), "Where the picture is").exact(),
                DISPLAY,
                TYPE,
                PRIMARY,
            ],
            "Pictures of the person",
        ),
        Attribute::list(
            "addresses",
            &[
                Attribute::text("formatted", "The whole address"),
                Attribute::text("streetAddress", "Street and number"),
                Attribute::text("locality", "The city"),
                Attribute::text("region", "The state or region"),
                Attribute::text("postalCode", "The postal code"),
                Attribute::text("country", "The country"),
                TYPE.words(&TYPES),
                PRIMARY,
            ],
            "Postal addresses",
        ),
        Attribute::list(
            "groups",
            &[
                Attribute::text("value", "The group's id").exact().mutability(Mutability::ReadOnly),
                Attribute::new("$ref", Form::Reference(&["Group"]), "Where the group is found")
                    .exact()
                    .mutability(Mutability::ReadOnly),
                Attribute::text("display", "The group's name").mutability(Mutability::ReadOnly),
                Attribute::text("type", "How the person belongs to it")
                    .words(&["direct"])
                    .mutability(Mutability::ReadOnly),
            ],
            "The groups that the person belongs to; they change by the groups' members",
        )
        .mutability(Mutability::ReadOnly),
        Attribute::list("entitlements", PLURAL, "What the person may have"),
        Attribute::list("roles", PLURAL, "What the person is to do"),
        Attribute::complex(
            ENTERPRISE,
            &[
                Attribute::text("employeeNumber", "The number that the organization gave"),
                Attribute::text("costCenter", "The cost center"),
                Attribute::text("organization", "The organization"),
                Attribute::text("division", "The division"),
                Attribute::text("department", "The department"),
                Attribute::complex(
                    "manager",
                    &[
                        Attribute::text("value", "The id of the manager").exact(),
                        Attribute::new("$ref", Form::Reference(&["User"]), "Where the manager is found")
                            .exact(),
                        Attribute::text("displayName", "The manager's name").mutability(Mutability::ReadOnly),
                    ],
                    "The person's manager",
                ),
            ],
            "What organizations note about the people who work for them",
        ),
    ],
};

pub(crate) static GROUPS: Kind = Kind {
    name: "Group",
    plural: "Groups",
    urn: GROUP,
    managed: "group",
    attributes: &[
        ID,
        EXTERNAL_ID,
        META,
        Attribute::text("displayName", "The group's name").unique(),
        Attribute::list(
            "members",
            &[
                Attribute::text("value", "The member's id").exact().mutability(Mutability::Immutable),
                Attribute::new("$ref", Form::Reference(&["User"]), "Where the member is found")
                    .exact()
                    .mutability(Mutability::Immutable),
                Attribute::text("type", "The member's resource type")
                    .words(&["User"])
                    .mutability(Mutability::Immutable),
                DISPLAY.mutability(Mutability::ReadOnly).untold(),
            ],
            "The people in the group",
        ),
    ],
};

pub(crate) static KINDS: [&Kind; 2] = [&USERS, &GROUPS];

/// The schemas as documents. `required` says which attribute of a resource type must have a value.
pub(crate) fn documents(base: &str, required: &dyn Fn(&Kind, &str) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    for kind in KINDS {
        let needed = |path: &str| required(kind, path);
        let of = |attributes: &mut dyn Iterator<Item = &'static Attribute>| -> Vec<Value> {
            attributes.filter(|a| a.told).map(|a| a.document(&needed, "")).collect()
        };
        let core = of(&mut kind.attributes.iter().filter(|a| !a.is_extension()));
        found.push(document(base, kind.urn, kind.name, core));
        for extension in kind.extensions() {
            found.push(document(base, extension.name, "EnterpriseUser", of(&mut extension.subs.iter())));
        }
    }
    found
}

fn document(base: &str, urn: &str, name: &str, attributes: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": urn,
        "name": name,
        "description": name,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{urn}")},
    })
}

/// The resource types as documents.
pub(crate) fn resource_types(base: &str) -> Vec<Value> {
    KINDS
        .iter()
        .map(|kind| {
            let extensions: Vec<Value> =
                kind.extensions().map(|e| json!({"schema": e.name, "required": false})).collect();
            let mut document: Map<String, Value> = Map::new();
            for (name, value) in [
                ("schemas", json!(["urn:ietf:params:scim:schemas:core:2.0:ResourceType"])),
                ("id", json!(kind.name)),
                ("name", json!(kind.name)),
                ("description", json!(format!("managed/{}", kind.managed))),
                ("endpoint", json!(format!("/{}", kind.plural))),
                ("schema", json!(kind.urn)),
                ("schemaExtensions", extensions.into()),
                (
                    "meta",
                    json!({"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name)}),
                ),
            ] {
                document.insert(name.into(), value);
            }
            Value::Object(document)
        })
        .collect()
}

/// What this server can do.
pub(crate) fn service_provider_config(base: &str, most_results: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": most_results},
        "changePassword": {"supported": true},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token that `concord scim-token create` printed",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            },
            {
                "type": "httpbasic",
                "name": "HTTP Basic",
                "description": "The administrator's name and password",
                "specUri": "https://www.rfc-editor.org/info/rfc7617",
            },
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}
