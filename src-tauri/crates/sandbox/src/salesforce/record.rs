//! One record and the values it shows.

use std::borrow::Cow;

use super::catalogue::{FieldId, ObjectType};
use super::field::{Field, Kind, Origin};
use super::id::id18;
use crate::values::Values;

#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The number in its id.
    pub number: u64,
    pub values: Values<FieldId>,
    /// Epoch milliseconds, whole seconds like all of these.
    pub created: i64,
    pub modified: i64,
    /// Also moves when the system itself touches the record.
    pub stamp: i64,
    /// Numbers of users.
    pub created_by: u64,
    pub modified_by: u64,
    pub deleted: bool,
}

/// What a field of a record holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    /// An id with 18 characters.
    Id(Cow<'a, str>),
    Flag(bool),
    /// Digits as they were stored.
    Number(&'a str),
    /// A day, `2013-05-20`.
    Day(&'a str),
    Time(i64),
    /// The prefix of the component fields.
    Address(&'static str),
}

impl Record {
    pub(crate) fn id(&self, object: &ObjectType) -> String {
        id18(object.prefix, self.number)
    }

    /// A stored value by the field's name.
    pub(crate) fn named(&self, object: &ObjectType, name: &str) -> Option<&str> {
        self.values.get(object.id_of(name)?)
    }

    pub(crate) fn cell<'a>(&'a self, object: &ObjectType, id: FieldId, field: &Field) -> Cell<'a> {
        match field.origin {
            Origin::Stored => match self.values.get(id) {
                Some(text) => stored(field.kind, text),
                // A checkbox is ticked or not; there is no third state.
                None if field.kind == Kind::Flag => Cell::Flag(false),
                None => Cell::Null,
            },
            Origin::Id => Cell::Id(self.id(object).into()),
            Origin::FullName => {
                let parts = [self.named(object, "FirstName"), self.named(object, "LastName")];
                match parts {
                    [None, None] => Cell::Null,
                    [Some(one), None] | [None, Some(one)] => Cell::Text(one.into()),
                    [Some(first), Some(last)] => Cell::Text(format!("{first} {last}").into()),
                }
            }
            Origin::Address(prefix) => Cell::Address(prefix),
            Origin::Created => Cell::Time(self.created),
            Origin::Modified => Cell::Time(self.modified),
            Origin::Stamp => Cell::Time(self.stamp),
            Origin::CreatedBy => Cell::Id(id18("005", self.created_by).into()),
            Origin::ModifiedBy => Cell::Id(id18("005", self.modified_by).into()),
            Origin::Deleted => Cell::Flag(self.deleted),
        }
    }
}

fn stored(kind: Kind, text: &str) -> Cell<'_> {
    match kind {
        Kind::Flag => Cell::Flag(text == "true"),
        Kind::Int | Kind::Double | Kind::Currency => Cell::Number(text),
        Kind::Date => Cell::Day(text),
        Kind::DateTime => text.parse().map_or(Cell::Null, Cell::Time),
        Kind::Id | Kind::Reference => Cell::Id(text.into()),
        Kind::Text
        | Kind::TextArea
        | Kind::Email
        | Kind::Phone
        | Kind::Url
        | Kind::Picklist
        | Kind::Address => Cell::Text(text.into()),
    }
}
