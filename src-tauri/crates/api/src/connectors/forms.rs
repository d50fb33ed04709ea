//! The settings of a connector's form, in order, with what each of them means.

use model::{ConnectorConfig, connector_config::Provider};
use serde_json::{Value, json};

use super::DEFAULT_REDIRECT;
use crate::dto::{ConnectorProperty, PropertyChoice};

/// The form of the system that a connector is for.
pub(super) fn properties(config: &ConnectorConfig) -> Vec<ConnectorProperty> {
    let mut rows = match config.provider() {
        Ok(Provider::Salesforce) => salesforce(),
        Ok(Provider::Scim) => scim(),
        _ => hubspot(),
    };
    rows.extend(network());
    rows
}

fn row(name: &str, label: &str, kind: &str, default: Value, advanced: bool, help: &str) -> ConnectorProperty {
    ConnectorProperty {
        name: name.into(),
        label: label.into(),
        kind: kind.into(),
        choices: Vec::new(),
        help: help.into(),
        advanced,
        default,
    }
}

/// A setting that has one of a few values, the first of which counts where none is set.
fn choice(name: &str, label: &str, values: &[(&str, &str)], help: &str) -> ConnectorProperty {
    let default = values.first().map_or(Value::Null, |(value, _)| json!(value));
    let choices = values
        .iter()
        .map(|(value, label)| PropertyChoice { value: (*value).into(), label: (*label).into() })
        .collect();
    ConnectorProperty { choices, ..row(name, label, "choice", default, true, help) }
}

fn hubspot() -> Vec<ConnectorProperty> {
    vec![
        row(
            "accessToken",
            "Service key",
            "secret",
            Value::Null,
            false,
            "A service key, or the token of a private app. HubSpot: Development > Keys > Service keys.",
        ),
        row(
            "clientId",
            "Client ID",
            "text",
            Value::Null,
            false,
            "Of the OAuth app. HubSpot: your app > Auth.",
        ),
        row(
            "clientSecret",
            "Client secret",
            "secret",
            Value::Null,
            false,
            "Of the OAuth app, beside the client ID.",
        ),
        row(
            "refreshToken",
            "Refresh token",
            "secret",
            Value::Null,
            true,
            "Only if you bring one from ForgeRock IDM; Authorize fills it in otherwise.",
        ),
        row(
            "scopes",
            "Scopes",
            "text",
            Value::Null,
            true,
            "What the OAuth app asks for, separated by blanks. Empty asks for what mappings need.",
        ),
        row(
            "redirectUri",
            "Redirect URL",
            "text",
            json!(DEFAULT_REDIRECT),
            true,
            "Must be registered in the OAuth app exactly like this.",
        ),
        row(
            "readSchema",
            "Read the account's properties",
            "switch",
            json!(true),
            true,
            "Off uses a built-in list of properties.",
        ),
        choice(
            "apiVersion",
            "API version",
            &[("2026-03", "2026-03"), ("2026-09", "2026-09"), ("v3", "v3, before there were dates")],
            "",
        ),
        row(
            "apiBaseUrl",
            "API address",
            "text",
            json!("https://api.hubapi.com"),
            true,
            "Another one for a sandbox.",
        ),
        row(
            "authorizeUrl",
            "Authorization page",
            "text",
            json!("https://app.hubspot.com/oauth/authorize"),
            true,
            "Another one for a sandbox.",
        ),
        row(
            "permitsPerSecond",
            "Calls per second",
            "number",
            Value::Null,
            true,
            "Empty: as fast as the account allows, which HubSpot tells with each answer.",
        ),
    ]
}

fn salesforce() -> Vec<ConnectorProperty> {
    vec![
        row(
            "loginUrl",
            "Login URL",
            "text",
            json!("https://login.salesforce.com/services/oauth2/token"),
            false,
            "Where tokens come from: the common login, the one for sandboxes, or your My Domain.",
        ),
        ConnectorProperty {
            advanced: false,
            ..choice(
                "grantType",
                "Grant",
                &[
                    ("refresh_token", "A person consents once"),
                    ("client_credentials", "The app signs in as its Run As user"),
                ],
                "",
            )
        },
        row(
            "clientId",
            "Consumer key",
            "text",
            Value::Null,
            false,
            "Of the External Client App. Salesforce: Setup > External Client App Manager > your app > Settings.",
        ),
        row(
            "clientSecret",
            "Consumer secret",
            "secret",
            Value::Null,
            false,
            "Beside the consumer key. An app that does not require it for the web server flow needs none.",
        ),
        row(
            "refreshToken",
            "Refresh token",
            "secret",
            Value::Null,
            true,
            "Only if you bring one from ForgeRock IDM; Authorize fills it in otherwise.",
        ),
        row(
            "instanceUrl",
            "Instance URL",
            "text",
            Value::Null,
            true,
            "Where the organization is. Salesforce tells it with the first token.",
        ),
        row(
            "scopes",
            "Scopes",
            "text",
            json!("id api refresh_token"),
            true,
            "What the app asks for, separated by blanks.",
        ),
        row(
            "redirectUri",
            "Callback URL",
            "text",
            json!(DEFAULT_REDIRECT),
            true,
            "Must be registered in the External Client App exactly like this.",
        ),
        row("version", "API version", "number", json!(66), true, "47 or newer."),
        row(
            "supportedObjectTypes",
            "Object types",
            "text",
            Value::Null,
            true,
            "API names such as User, Contact, Order__c. Empty offers the ten that identity needs.",
        ),
        choice(
            "userDelete",
            "Deleting a user",
            &[
                ("deactivate", "Deactivates it and frees its licence"),
                ("freeze", "Freezes it: only the sign-in stops"),
            ],
            "Salesforce keeps users for good.",
        ),
        choice(
            "duplicateRules",
            "When a duplicate rule matches",
            &[
                ("refuse", "The record is not saved, and you are told"),
                ("save", "The record is saved all the same"),
            ],
            "A rule that blocks is obeyed either way.",
        ),
        row(
            "usernameSuffix",
            "Suffix of user names",
            "text",
            Value::Null,
            true,
            "What every user name of this organization ends with, such as .uat in a sandbox.",
        ),
        row(
            "dailyApiShare",
            "Share of the daily calls, percent",
            "number",
            json!(90),
            true,
            "Concord stops here and leaves the rest to the organization's other programs.",
        ),
        row(
            "permitsPerSecond",
            "Calls per second",
            "number",
            json!(50),
            true,
            "Salesforce counts calls by the day; this keeps a run from crowding out the organization's other programs.",
        ),
    ]
}

/// Which of its sign-in settings count, the first of them says.
fn scim() -> Vec<ConnectorProperty> {
    vec![
        row(
            "SCIMEndpoint",
            "Endpoint",
            "text",
            Value::Null,
            false,
            "The address under which the server has /Users, for example https://example.org/scim/v2.",
        ),
        ConnectorProperty {
            advanced: false,
            ..choice(
                "authenticationMethod",
                "Sign in with",
                &[
                    ("TOKEN", "Bearer token"),
                    ("BASIC", "User and password"),
                    ("HEADER", "Key in a header of its own"),
                    ("OAUTH", "OAuth app that is granted tokens"),
                ],
                "",
            )
        },
        row(
            "authToken",
            "Token or key",
            "secret",
            Value::Null,
            false,
            "The bearer token, or the key in a header.",
        ),
        row("user", "User", "text", Value::Null, false, "For a user and a password."),
        row("password", "Password", "secret", Value::Null, false, "Of that user."),
        row(
            "headerName",
            "Header",
            "text",
            Value::Null,
            false,
            "The header that carries the key, for example X-Api-Key.",
        ),
        row(
            "tokenEndpoint",
            "Token endpoint",
            "text",
            Value::Null,
            false,
            "The address where the OAuth app gets its tokens.",
        ),
        row(
            "clientId",
            "Client ID",
            "text",
            Value::Null,
            false,
            "The id of the OAuth app that Concord is for the server.",
        ),
        row("clientSecret", "Client secret", "secret", Value::Null, false, "Of that app."),
        choice(
            "grantType",
            "Grant",
            &[
                ("client_credentials", "Client credentials"),
                ("refresh_token", "Refresh token that the server gave out"),
            ],
            "How an OAuth app gets its tokens.",
        ),
        row(
            "refreshToken",
            "Refresh token",
            "secret",
            Value::Null,
            true,
            "Only where the grant is a refresh token.",
        ),
        row(
            "scope",
            "Scopes",
            "text",
            Value::Null,
            true,
            "What an OAuth app asks for, separated by blanks. Many servers need none.",
        ),
        choice(
            "updateMethod",
            "Changes by",
            &[
                ("AUTO", "PATCH where the server has it, else PUT"),
                ("PATCH", "PATCH: sends what changed"),
                ("PUT", "PUT: writes the record back whole"),
            ],
            "",
        ),
        choice(
            "userDelete",
            "Deleting a user",
            &[("delete", "Removes the user"), ("deactivate", "Sets active to false")],
            "Some servers keep users for good.",
        ),
        row(
            "supportedObjectTypes",
            "Object types",
            "text",
            json!("User Group"),
            true,
            "Resource types by the server's names, separated by blanks. Test shows which there are.",
        ),
        row("pageSize", "Records on a page", "number", json!(100), true, "The server may give fewer."),
        row(
            "attributesParameter",
            "Read mapped attributes only",
            "switch",
            json!(true),
            true,
            "Off reads whole records, for servers that get attributes= wrong.",
        ),
        choice(
            "contentType",
            "Media type",
            &[
                ("application/scim+json", "application/scim+json"),
                ("application/json", "application/json, for servers that know no other"),
            ],
            "",
        ),
        row(
            "permitsPerSecond",
            "Calls per second",
            "number",
            json!(10),
            true,
            "Each record is a call of its own.",
        ),
        row(
            "readRateLimit",
            "Reads at most",
            "text",
            Value::Null,
            true,
            "A limit for reads alone, such as 30/sec or 100/min. Empty: only the calls per second count.",
        ),
        row("writeRateLimit", "Writes at most", "text", Value::Null, true, "The same for writes."),
    ]
}

/// What every connector has for the way to its system.
fn network() -> Vec<ConnectorProperty> {
    vec![
        row("maximumConnections", "Connections at most", "number", json!(10), true, ""),
        row(
            "requestTimeoutSeconds",
            "Time for an answer, seconds",
            "number",
            json!(60),
            true,
            "Also the time for the next part of a long one. 1 to 600.",
        ),
        row("httpProxyHost", "Proxy host", "text", Value::Null, true, ""),
        row("httpProxyPort", "Proxy port", "number", Value::Null, true, ""),
        row("httpProxyUser", "Proxy user", "text", Value::Null, true, ""),
        row("httpProxyPassword", "Proxy password", "secret", Value::Null, true, ""),
        row(
            "caFile",
            "Certificate authority file",
            "text",
            Value::Null,
            true,
            "A PEM file with the authority that signed the server's certificate.",
        ),
        row(
            "acceptSelfSignedCertificates",
            "Accept self-signed certificates",
            "switch",
            json!(false),
            true,
            "Weakens security: anybody on the network path can read the token.",
        ),
        row(
            "disableHostNameVerifier",
            "Accept certificates of other hosts",
            "switch",
            json!(false),
            true,
            "Weakens security: a certificate of any host is taken.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::samples;

    fn form(template: Value) -> (ConnectorConfig, Vec<ConnectorProperty>) {
        let config: ConnectorConfig = serde_json::from_value(template).unwrap();
        let rows = properties(&config);
        (config, rows)
    }

    #[test]
    fn each_setting_stands_once_and_a_secret_is_one_that_the_vault_takes() {
        for template in [
            samples::hubspot_connector("a", None),
            samples::salesforce_connector("a"),
            samples::scim_connector("a"),
        ] {
            let (_, rows) = form(template);
            let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
            assert_eq!(names.len(), rows.len());
            for row in rows {
                let kept_safe = model::connector_config::SECRET_PROPERTIES.contains(&row.name.as_str());
                assert_eq!(row.kind == "secret", kept_safe, "{}", row.name);
                assert_eq!(row.kind == "choice", row.choices.len() > 1, "{}", row.name);
            }
        }
    }

    #[test]
    fn the_form_of_scim_has_what_its_template_sets() {
        let (config, rows) = form(samples::scim_connector("scim"));
        assert_eq!(config.provider(), Ok(Provider::Scim));
        // The version is the one that there is.
        for name in config.configuration_properties.keys().filter(|name| *name != "SCIMVersion") {
            assert!(rows.iter().any(|row| row.name == *name), "{name} has no field");
        }
    }

    #[test]
    fn the_form_of_salesforce_has_what_its_template_sets() {
        let (config, rows) = form(samples::salesforce_connector("salesforce"));
        assert_eq!(config.provider(), Ok(Provider::Salesforce));
        for name in config.configuration_properties.keys() {
            assert!(rows.iter().any(|row| row.name == *name), "{name} has no field");
        }
        assert!(rows.iter().all(|row| row.name != "accessToken"), "Salesforce has no keys of that kind");
    }

    /// A form is shown in the window's words (`ui/src/words/settings.ts`), so that it is translated with the rest.
    #[test]
    fn each_word_of_a_form_is_one_of_the_windows_words() {
        let window = include_str!("../../../../../ui/src/words/settings.ts");
        let templates = [
            samples::hubspot_connector("a", None),
            samples::salesforce_connector("a"),
            samples::scim_connector("a"),
        ];
        let rows = templates.into_iter().flat_map(|template| form(template).1);
        let words: BTreeSet<String> = rows
            .flat_map(|row| {
                let choices = row.choices.into_iter().map(|choice| choice.label);
                [row.label, row.help].into_iter().chain(choices).collect::<Vec<_>>()
            })
            .filter(|words| words.contains(char::is_alphabetic))
            .collect();
        let missing: Vec<_> = words.iter().filter(|words| !window.contains(&format!("t`{words}`"))).collect();
        assert!(missing.is_empty(), "missing in ui/src/words/settings.ts:\n{missing:#?}");
    }
}
