//! Whether a record may be written: access, required fields, lengths, picklists, references, uniqueness.

use super::catalogue::{ObjectType, by_prefix, find};
use super::field::{Field, Kind};
use super::id::{id18, normal, prefix};
use super::problem::RowError;
use super::tables::{Changes, Tables};

/// What a write is for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

/// The rules that hold for every object type. References come out with 18 characters. `owner` is the record that is
/// being changed.
pub(crate) fn check(
    tables: &Tables,
    object: &ObjectType,
    changes: &mut Changes,
    operation: Operation,
    owner: Option<u64>,
) -> Result<(), RowError> {
    may_be_written(object, changes, operation)?;
    nothing_missing(object, changes, operation)?;
    for (id, value) in changes.iter_mut() {
        let Some(field) = object.at(*id) else { continue };
        if !value.is_empty() {
            fits(field, value)?;
            if field.kind == Kind::Reference {
                *value = points_somewhere(tables, field, value)?;
            }
        }
    }
    unique(tables, object, changes, owner)
}

fn may_be_written(object: &ObjectType, changes: &Changes, operation: Operation) -> Result<(), RowError> {
    let closed: Vec<&str> = changes
        .iter()
        .filter_map(|(id, _)| object.at(*id))
        .filter(|field| match operation {
            Operation::Create => !field.createable,
            Operation::Update | Operation::Delete => !field.updateable,
        })
        .map(|field| field.name)
        .collect();
    if closed.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is \
         read/write for your profile or permission set.",
        closed.join(", ")
    );
    Err(RowError {
        fields: closed.into_iter().map(str::to_owned).collect(),
        ..RowError::new("INVALID_FIELD_FOR_INSERT_UPDATE", message)
    })
}

fn nothing_missing(object: &ObjectType, changes: &Changes, operation: Operation) -> Result<(), RowError> {
    let sent = |wanted| changes.iter().rev().find(|(id, _)| *id == wanted).map(|(_, value)| value.as_str());
    let missing: Vec<&str> = object
        .all()
        .filter(|(_, field)| field.createable && !field.nillable && field.kind != Kind::Flag)
        .filter(|(id, field)| match sent(*id) {
            Some(value) => value.is_empty(),
            None => operation == Operation::Create && field.needed(),
        })
        .map(|(_, field)| field.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(RowError {
        fields: missing.iter().map(|name| (*name).to_owned()).collect(),
        ..RowError::new(
            "REQUIRED_FIELD_MISSING",
            format!("Required fields are missing: [{}]", missing.join(", ")),
        )
    })
}

fn fits(field: &Field, value: &str) -> Result<(), RowError> {
    let length = value.chars().count();
    if field.kind.is_text() && length > usize::try_from(field.length).unwrap_or(usize::MAX) {
        let shown: String = value.chars().take(100).collect();
        let message = format!("{}: data value too large: {shown} (max length={})", field.label, field.length);
        return Err(RowError::new("STRING_TOO_LONG", message).on(field.name));
    }
    match field.kind {
        Kind::Picklist
            if field.restricted && !field.picklist.iter().any(|known| value_of(known) == value) =>
        {
            let message = format!("{}: bad value for restricted picklist field: {value}", field.label);
            Err(RowError::new("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message).on(field.name))
        }
        Kind::Email if !is_address(value) => {
            let message = format!("{}: invalid email address: {value}", field.label);
            Err(RowError::new("INVALID_EMAIL_ADDRESS", message).on(field.name))
        }
        _ => Ok(()),
    }
}

/// The value of a picklist entry that may carry a label.
pub(crate) fn value_of(entry: &str) -> &str {
    entry.split_once('|').map_or(entry, |(value, _)| value)
}

pub(crate) fn label_of(entry: &str) -> &str {
    entry.split_once('|').map_or(entry, |(_, label)| label)
}

/// Whether text has the form of an e-mail address.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && !domain.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|part| !part.is_empty())
        && !text.chars().any(|c| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ','))
}

fn points_somewhere(tables: &Tables, field: &Field, value: &str) -> Result<String, RowError> {
    let of_type = normal(value)
        .filter(|id| by_prefix(prefix(id)).is_some_and(|target| field.refers.contains(&target.name)));
    let Some(id) = of_type else {
        let message = format!("{}: id value of incorrect type: {value}", field.label);
        return Err(RowError::new("MALFORMED_ID", message).on(field.name));
    };
    match tables.by_id(&id) {
        Some(_) => Ok(id),
        None => {
            Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").on(field.name))
        }
    }
}

fn unique(
    tables: &Tables,
    object: &ObjectType,
    changes: &Changes,
    owner: Option<u64>,
) -> Result<(), RowError> {
    for (id, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        let Some(field) = object.at(*id).filter(|field| field.enforced_unique) else { continue };
        let Some(holder) = tables.table(object).holder(*id, value).filter(|holder| Some(*holder) != owner)
        else {
            continue;
        };
        return Err(match field.name {
            "Username" => taken_username(),
            "CommunityNickname" => RowError::new(
                "DUPLICATE_COMM_NICKNAME",
                "Duplicate Nickname.<br>Another user has already selected this nickname.<br>Please select another.",
            )
            .on("CommunityNickname"),
            name => {
                let holder = id18(object.prefix, holder);
                let message =
                    format!("duplicate value found: {name} duplicates value on record with id: {holder}");
                RowError::new("DUPLICATE_VALUE", message).on(name)
            }
        });
    }
    Ok(())
}

/// A user name may be in use in an org that nobody here can see.
pub(crate) fn taken_username() -> RowError {
    RowError::new(
        "DUPLICATE_USERNAME",
        "Duplicate Username.<br>The username already exists in this or another Salesforce organization. Usernames must \
         be unique across all Salesforce organizations. To resolve, use a different username (it doesn't need to match \
         the user's email address).",
    )
    .on("Username")
}

/// The integration user, by whom the API acts.
pub(crate) const INTEGRATION_USER: u64 = 1;

/// Rules of users that describe does not tell.
pub(crate) fn check_user(
    tables: &Tables,
    taken: &[String],
    changes: &mut Changes,
    operation: Operation,
    owner: Option<u64>,
) -> Result<(), RowError> {
    let Some(user) = find("User") else { return Ok(()) };
    let sent = |changes: &Changes, name: &str| {
        let wanted = user.id_of(name)?;
        changes.iter().rev().find(|(id, _)| *id == wanted).map(|(_, value)| value.clone())
    };
    if let Some(username) = sent(changes, "Username") {
        if !is_address(&username) {
            let message = format!("Username: invalid email address: {username}");
            return Err(RowError::new("INVALID_EMAIL_ADDRESS", message).on("Username"));
        }
        if taken.iter().any(|other| other.eq_ignore_ascii_case(&username)) {
            return Err(taken_username());
        }
    }
    if operation == Operation::Update {
        if owner == Some(INTEGRATION_USER) && sent(changes, "IsActive").as_deref() == Some("false") {
            return Err(RowError::new(
                "FIELD_INTEGRITY_EXCEPTION",
                "You can't deactivate your own user record.",
            )
            .on("IsActive"));
        }
    } else if sent(changes, "CommunityNickname").is_none_or(|nickname| nickname.is_empty()) {
        // Salesforce makes one up from the user name when none is sent.
        let username = sent(changes, "Username").unwrap_or_default();
        let local = username.split('@').next().unwrap_or_default();
        let mut nickname: String = local.chars().take(40).collect();
        let field = user.id_of("CommunityNickname").unwrap_or_default();
        if tables.table(user).holder(field, &nickname).is_some() {
            nickname = local.chars().take(24).collect();
            nickname = format!("{nickname}{}", tables.table(user).live.len());
        }
        changes.push((field, nickname));
    }
    if let Some(profile) = sent(changes, "ProfileId").and_then(|id| tables.by_id(&id)) {
        let (object, profile) = profile;
        let kind = profile.named(object, "UserType").unwrap_or("Standard");
        changes.push((user.id_of("UserType").unwrap_or_default(), kind.to_owned()));
    }
    enough_licenses(tables, changes, owner)
}

/// Only active users use up licenses.
fn enough_licenses(tables: &Tables, changes: &Changes, owner: Option<u64>) -> Result<(), RowError> {
    let (Some(user), Some(license)) = (find("User"), find("UserLicense")) else { return Ok(()) };
    let before = owner.and_then(|owner| tables.table(user).live.get(&owner));
    let after = |name: &str| -> Option<String> {
        let wanted = user.id_of(name)?;
        let sent = changes.iter().rev().find(|(id, _)| *id == wanted).map(|(_, value)| value.clone());
        sent.or_else(|| before?.values.get(wanted).map(str::to_owned))
    };
    let was_active = before.is_some_and(|record| record.named(user, "IsActive") == Some("true"));
    if was_active || after("IsActive").as_deref() == Some("false") {
        return Ok(());
    }
    let seats = || {
        let (object, profile) = tables.by_id(&after("ProfileId")?)?;
        let (_, held) = tables.by_id(profile.named(object, "UserLicenseId")?)?;
        let total: u64 = held.named(license, "TotalLicenses")?.parse().ok()?;
        Some((held.named(license, "Name")?.to_owned(), held.id(license), total))
    };
    let Some((name, id, total)) = seats() else { return Ok(()) };
    // Counting is slow; with more licenses than users there is nothing to count.
    let users = u64::try_from(tables.table(user).live.len()).unwrap_or(u64::MAX);
    if users >= total && used(tables, &id) >= total {
        return Err(RowError::new("LICENSE_LIMIT_EXCEEDED", format!("License Limit Exceeded: {name}")));
    }
    Ok(())
}

/// How many active users hold a license.
pub(crate) fn used(tables: &Tables, license: &str) -> u64 {
    let (Some(user), Some(profile)) = (find("User"), find("Profile")) else { return 0 };
    let profiles: Vec<String> = tables
        .table(profile)
        .live
        .values()
        .filter(|record| record.named(profile, "UserLicenseId") == Some(license))
        .map(|record| record.id(profile))
        .collect();
    let holders = tables.table(user).live.values().filter(|record| {
        record.named(user, "IsActive") == Some("true")
            && record.named(user, "ProfileId").is_some_and(|id| profiles.iter().any(|known| known == id))
    });
    u64::try_from(holders.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b.c", "ann.o'brien+x@sub.example.org"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", "a@b", "@b.c", "a@b..c", "a b@c.d", "a@b@c.d", "<a@b.c>"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
