//! Salesforce's codes in words: what they mean for a person and what to do next.

use serde::{Deserialize, Deserializer, de::Error as _};

/// Foreign words without control characters and markup, and not without end.
pub(crate) fn clean(text: &str) -> String {
    let plain = text.replace("<br>", " ").replace("<br/>", " ").replace("<BR>", " ");
    let mut words: String = plain.chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect();
    if plain.chars().nth(600).is_some() {
        words.push('…');
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a word of Salesforce's own: a job's id, which becomes a part of addresses, its state, its operation. Anything else in
/// their place is no answer.
pub(super) fn plain<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let word = String::deserialize(from)?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if (1..=64).contains(&word.len()) && word.bytes().all(is_plain) {
        Ok(word)
    } else {
        Err(D::Error::custom("an id, a state or an operation is no plain word"))
    }
}

/// What to do about an error code of the API.
pub(crate) fn remedy(code: &str, message: &str) -> Option<&'static str> {
    let says = |words: &str| message.to_ascii_lowercase().contains(words);
    Some(match code {
        "DUPLICATE_USERNAME" => {
            "user names are unique across all Salesforce organizations: choose another one, or set `usernameSuffix` on the connector so that this organization's names differ"
        }
        "DUPLICATE_COMM_NICKNAME" => {
            "map another attribute to CommunityNickname, one that is different for each person"
        }
        "DUPLICATES_DETECTED" => {
            "a duplicate rule of the organization takes it for one that is there: if it is the same, link the two by hand, let the mapping correlate with that record, or merge in Salesforce; if it is not, set `duplicateRules` to `save` on the connector to make it all the same"
        }
        "DUPLICATE_VALUE" | "DUPLICATE_EXTERNAL_ID" => "another record has this value already",
        "LICENSE_LIMIT_EXCEEDED" => {
            "all licences of this kind are in use: deactivate users or buy more; changes of existing users still work"
        }
        "REQUIRED_FIELD_MISSING" => "map these attributes, or give them constants",
        "STRING_TOO_LONG" => "shorten the value in the mapping",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => {
            "use one of the values that Salesforce allows for this field"
        }
        "INVALID_EMAIL_ADDRESS" => "correct the e-mail address in the source record",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => {
            "a validation rule of the organization refuses these values: correct them, or ask its administrator"
        }
        "CANNOT_EXECUTE_FLOW_TRIGGER" | "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" => {
            "an automation of the organization (flow or trigger) failed on this record: ask its administrator"
        }
        "INVALID_CROSS_REFERENCE_KEY" => {
            "the record that this value refers to is not there, or may not be used here"
        }
        "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => {
            "the user that authorized lacks a permission (for users: Manage Internal Users)"
        }
        "INVALID_FIELD_FOR_INSERT_UPDATE" | "INVALID_FIELD" | "INVALID_TYPE" => {
            "check that the field exists and that the user that authorized may see and edit it"
        }
        "MIXED_DML_OPERATION" => "setup objects and other records cannot be changed together; run it again",
        "CANNOT_UPDATE_CONVERTED_LEAD" => "this lead was converted and cannot be changed any more",
        "FIELD_INTEGRITY_EXCEPTION" if says("license") || says("profile") => {
            "the profile does not fit the user's licence: map a ProfileId of the right licence"
        }
        "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => {
            "this edition or this user has no API access: give the user the permission `API Enabled`"
        }
        "UNABLE_TO_LOCK_ROW" => "another change was under way on the same record; it is tried again",
        "QUERY_TIMEOUT" => "the query took too long; narrow the filter",
        _ => return None,
    })
}

/// What to do about a deactivation that Salesforce refuses.
pub(crate) const DEACTIVATION_REFUSED: &str = "Salesforce does not let this user be deactivated, usually because it is named in a setting (default lead owner, workflow user, approver); replace it there, or set `userDelete` to `freeze` on the connector";

/// What to do about an error of the OAuth endpoints, from its code and its description.
pub(crate) fn authorization_help(code: &str, description: &str) -> Option<&'static str> {
    let text = format!("{code} {description}").to_ascii_lowercase();
    let says = |words: &str| text.contains(words);
    Some(
        if says("app must be installed into org")
            || says("oauth_approval_error_generic")
            || says("oauth_app_blocked")
        {
            "Salesforce blocks apps that are not installed in the organization: create an External Client App in your own organization and enter its Consumer Key here, or let an administrator install and approve the app"
        } else if says("redirect_uri_mismatch") {
            "enter exactly this callback URL in the External Client App, including port and slash (Setup > External Client App Manager > your app > OAuth settings); changes take up to ten minutes"
        } else if says("invalid_client_id") || says("client identifier invalid") {
            "check the Consumer Key; a new External Client App takes two to ten minutes until Salesforce knows it everywhere, and a sandbox needs `loginUrl` Sandbox"
        } else if says("invalid_client") || says("invalid client credentials") {
            "check the Consumer Secret, or remove it if the app does not require one"
        } else if says("no client credentials user enabled") || says("no_client_credentials") {
            "enable the client credentials flow in the External Client App and choose the user that it runs as"
        } else if says("unsupported_grant_type") {
            "enable this OAuth flow in the External Client App's settings"
        } else if says("code_verifier") || says("code_challenge") || says("pkce") {
            "the proof of this authorization does not fit; start it again from here"
        } else if says("inactive_user") {
            "the Salesforce user that authorized is inactive: activate it, or authorize as another"
        } else if says("inactive_org") {
            "the Salesforce organization is locked or closed; ask its administrator"
        } else if says("ip restricted") {
            "the organization allows sign-in from certain networks only: add this computer's address, or relax the IP policy of the External Client App"
        } else if says("invalid_scope") || says("scope") {
            "give the External Client App the OAuth scopes `api`, `id` and `refresh_token`"
        } else if says("access_denied") {
            "press Allow on the consent page, as a user with `API Enabled`"
        } else {
            return None;
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{authorization_help, clean, remedy};

    #[test]
    fn markup_and_control_characters_go() {
        assert_eq!(
            clean("Duplicate Username.<br>The username\n already  exists"),
            "Duplicate Username. The username already exists"
        );
        assert_eq!(clean(&"x".repeat(700)).chars().count(), 601);
    }

    #[test]
    fn the_errors_of_external_client_apps_say_what_to_do() {
        for (code, description, expect) in [
            ("invalid_client", "app must be installed into org", "External Client App"),
            ("invalid_client_id", "client identifier invalid", "two to ten minutes"),
            ("invalid_client", "invalid client credentials", "Consumer Secret"),
            ("redirect_uri_mismatch", "redirect_uri must match configuration", "callback URL"),
            ("inactive_user", "user is inactive", "activate it"),
            ("invalid_request", "invalid code_verifier", "start it again"),
            ("access_denied", "end-user denied authorization", "press Allow"),
        ] {
            let help = authorization_help(code, description).unwrap_or_default();
            assert!(help.contains(expect), "{code}: {help}");
        }
        assert_eq!(authorization_help("invalid_grant", "expired access/refresh token"), None);
    }

    #[test]
    fn taken_user_names_are_explained() {
        assert!(remedy("DUPLICATE_USERNAME", "").is_some_and(|r| r.contains("usernameSuffix")));
        assert_eq!(remedy("SOMETHING_NEW", ""), None);
    }
}
