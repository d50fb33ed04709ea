//! What a field is: its type, its limits, and what may be done with it.

/// Field types, as in `DescribeFieldResult.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Text,
    TextArea,
    Email,
    Phone,
    Url,
    Picklist,
    Flag,
    Int,
    Double,
    Currency,
    Date,
    DateTime,
    Reference,
    Address,
}

impl Kind {
    /// The name of the type in describe results.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Kind::Id => "id",
            Kind::Text => "string",
            Kind::TextArea => "textarea",
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Url => "url",
            Kind::Picklist => "picklist",
            Kind::Flag => "boolean",
            Kind::Int => "int",
            Kind::Double => "double",
            Kind::Currency => "currency",
            Kind::Date => "date",
            Kind::DateTime => "datetime",
            Kind::Reference => "reference",
            Kind::Address => "address",
        }
    }

    pub(crate) fn soap(self) -> &'static str {
        match self {
            Kind::Id | Kind::Reference => "tns:ID",
            Kind::Flag => "xsd:boolean",
            Kind::Int => "xsd:int",
            Kind::Double | Kind::Currency => "xsd:double",
            Kind::Date => "xsd:date",
            Kind::DateTime => "xsd:dateTime",
            Kind::Address => "urn:address",
            Kind::Text | Kind::TextArea | Kind::Email | Kind::Phone | Kind::Url | Kind::Picklist => {
                "xsd:string"
            }
        }
    }

    /// Whether values are text with a length.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Kind::Text | Kind::TextArea | Kind::Email | Kind::Phone | Kind::Url | Kind::Picklist)
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Kind::Int | Kind::Double | Kind::Currency)
    }
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Stored,
    Id,
    /// First and last name.
    FullName,
    /// The components whose names begin with this, as one object.
    Address(&'static str),
    Created,
    CreatedBy,
    Modified,
    ModifiedBy,
    Stamp,
    Deleted,
}

/// One field of an object type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: Kind,
    pub length: u32,
    pub nillable: bool,
    pub createable: bool,
    pub updateable: bool,
    pub defaulted: bool,
    /// What a new record gets when the caller says nothing.
    pub default: &'static str,
    /// What describe says; user names are unique although describe denies it.
    pub unique: bool,
    pub enforced_unique: bool,
    pub external: bool,
    pub id_lookup: bool,
    pub names_record: bool,
    pub picklist: &'static [&'static str],
    pub restricted: bool,
    pub refers: &'static [&'static str],
    pub relationship: &'static str,
    pub origin: Origin,
}

impl Field {
    const fn of(name: &'static str, label: &'static str, kind: Kind, length: u32) -> Field {
        Field {
            name,
            label,
            kind,
            length,
            nillable: true,
            createable: true,
            updateable: true,
            defaulted: false,
            default: "",
            unique: false,
            enforced_unique: false,
            external: false,
            id_lookup: false,
            names_record: false,
            picklist: &[],
            restricted: false,
            refers: &[],
            relationship: "",
            origin: Origin::Stored,
        }
    }

    pub(crate) const fn required(self) -> Field {
        Field { nillable: false, ..self }
    }

    pub(crate) const fn default(self, value: &'static str) -> Field {
        Field { defaulted: true, default: value, ..self }
    }

    /// Salesforce fills it when it is left out, in a way of its own.
    pub(crate) const fn filled(self) -> Field {
        Field { defaulted: true, ..self }
    }

    pub(crate) const fn read_only(self) -> Field {
        Field { createable: false, updateable: false, ..self }
    }

    pub(crate) const fn create_only(self) -> Field {
        Field { updateable: false, ..self }
    }

    pub(crate) const fn update_only(self) -> Field {
        Field { createable: false, ..self }
    }

    pub(crate) const fn id_lookup(self) -> Field {
        Field { id_lookup: true, ..self }
    }

    pub(crate) const fn one_of_a_kind(self) -> Field {
        Field { enforced_unique: true, ..self }
    }

    pub(crate) const fn names(self) -> Field {
        Field { names_record: true, ..self }
    }

    /// A picklist that takes no other values.
    pub(crate) const fn restricted(self) -> Field {
        Field { restricted: true, ..self }
    }

    pub(crate) const fn from(self, origin: Origin) -> Field {
        Field { origin, ..self.read_only() }
    }

    pub(crate) fn custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Whether a create must bring it: Salesforce's own rule over describe results.
    pub(crate) fn needed(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted && self.kind != Kind::Flag
    }

    pub(crate) fn filterable(&self) -> bool {
        !matches!(self.kind, Kind::Address) && !self.long_text()
    }

    /// Long text areas can be neither filtered nor sorted.
    pub(crate) fn long_text(&self) -> bool {
        self.kind == Kind::TextArea && self.length > 4000
    }
}

pub(crate) const fn text(name: &'static str, label: &'static str, length: u32) -> Field {
    Field::of(name, label, Kind::Text, length)
}

pub(crate) const fn area(name: &'static str, label: &'static str, length: u32) -> Field {
    Field::of(name, label, Kind::TextArea, length)
}

pub(crate) const fn email(name: &'static str, label: &'static str) -> Field {
    Field::of(name, label, Kind::Email, 80)
}

pub(crate) const fn phone(name: &'static str, label: &'static str) -> Field {
    Field::of(name, label, Kind::Phone, 40)
}

pub(crate) const fn url(name: &'static str, label: &'static str, length: u32) -> Field {
    Field::of(name, label, Kind::Url, length)
}

/// Values stand as `value` or `value|label`.
pub(crate) const fn picklist(
    name: &'static str,
    label: &'static str,
    length: u32,
    values: &'static [&'static str],
) -> Field {
    Field { picklist: values, ..Field::of(name, label, Kind::Picklist, length) }
}

/// Checkboxes are never null and begin unticked.
pub(crate) const fn flag(name: &'static str, label: &'static str) -> Field {
    Field { nillable: false, defaulted: true, default: "false", ..Field::of(name, label, Kind::Flag, 0) }
}

pub(crate) const fn int(name: &'static str, label: &'static str) -> Field {
    Field::of(name, label, Kind::Int, 0)
}

pub(crate) const fn double(name: &'static str, label: &'static str) -> Field {
    Field::of(name, label, Kind::Double, 0)
}

pub(crate) const fn currency(name: &'static str, label: &'static str) -> Field {
    Field::of(name, label, Kind::Currency, 0)
}

pub(crate) const fn date(name: &'static str, label: &'static str) -> Field {
    Field::of(name, label, Kind::Date, 0)
}

pub(crate) const fn datetime(name: &'static str, label: &'static str) -> Field {
    Field::of(name, label, Kind::DateTime, 0)
}

pub(crate) const fn reference(
    name: &'static str,
    label: &'static str,
    refers: &'static [&'static str],
    relationship: &'static str,
) -> Field {
    Field { refers, relationship, ..Field::of(name, label, Kind::Reference, 18) }
}

pub(crate) const fn address(name: &'static str, label: &'static str, prefix: &'static str) -> Field {
    Field::of(name, label, Kind::Address, 0).from(Origin::Address(prefix))
}

/// A custom field by which records are upserted.
pub(crate) const fn external(name: &'static str, label: &'static str, unique: bool) -> Field {
    Field { external: true, id_lookup: true, unique, enforced_unique: unique, ..text(name, label, 100) }
}

pub(crate) const ID: Field =
    Field { defaulted: true, id_lookup: true, ..Field::of("Id", "Record ID", Kind::Id, 18) }
        .required()
        .from(Origin::Id);

pub(crate) const DELETED: Field = flag("IsDeleted", "Deleted").from(Origin::Deleted);

/// What every record ends with.
pub(crate) const SYSTEM: [Field; 5] = [
    datetime("CreatedDate", "Created Date").required().filled().from(Origin::Created),
    reference("CreatedById", "Created By ID", &["User"], "CreatedBy")
        .required()
        .filled()
        .from(Origin::CreatedBy),
    datetime("LastModifiedDate", "Last Modified Date").required().filled().from(Origin::Modified),
    reference("LastModifiedById", "Last Modified By ID", &["User"], "LastModifiedBy")
        .required()
        .filled()
        .from(Origin::ModifiedBy),
    datetime("SystemModstamp", "System Modstamp").required().filled().from(Origin::Stamp),
];
