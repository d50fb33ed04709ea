//! The settings of a connector's form, in order, with what each of them means.

use connector::oauth::DEFAULT_REDIRECT_URI;
use model::{ConnectorConfig, connector_config::Provider};
use serde_json::{Value, json};

use crate::dto::{ConnectorProperty, PropertyChoice, SettingKind};

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

/// A setting of the form's advanced part, without a default.
fn setting(kind: SettingKind, name: &str, label: &str, help: &str) -> ConnectorProperty {
    ConnectorProperty {
        name: name.into(),
        label: label.into(),
        kind,
        choices: Vec::new(),
        help: help.into(),
        advanced: true,
        default: Value::Null,
    }
}

fn text(name: &str, label: &str, help: &str) -> ConnectorProperty {
    setting(SettingKind::Text, name, label, help)
}

fn number(name: &str, label: &str, help: &str) -> ConnectorProperty {
    setting(SettingKind::Number, name, label, help)
}

fn switch(name: &str, label: &str, help: &str) -> ConnectorProperty {
    setting(SettingKind::Switch, name, label, help)
}

fn secret(name: &str, label: &str, help: &str) -> ConnectorProperty {
    setting(SettingKind::Secret, name, label, help)
}

/// A setting that has one of a few values, the first of which counts where none is set.
fn choice(name: &str, label: &str, values: &[(&str, &str)], help: &str) -> ConnectorProperty {
    let default = values.first().map_or(Value::Null, |(value, _)| json!(value));
    let choices = values
        .iter()
        .map(|(value, label)| PropertyChoice { value: (*value).into(), label: (*label).into() })
        .collect();
    ConnectorProperty { choices, default, ..setting(SettingKind::Choice, name, label, help) }
}

impl ConnectorProperty {
    /// What counts where nothing is set.
    fn or(self, default: impl Into<Value>) -> Self {
        Self { default: default.into(), ..self }
    }

    /// On the form's first part.
    fn up_front(self) -> Self {
        Self { advanced: false, ..self }
    }
}

/// What a connector brings along from IDM.
fn brought_refresh_token() -> ConnectorProperty {
    secret(
        "refreshToken",
        "Refresh token",
        "Only if you bring one from ForgeRock IDM; Authorize fills it in otherwise.",
    )
}

fn hubspot() -> Vec<ConnectorProperty> {
    vec![
        secret(
            "accessToken",
            "Service key",
            "A service key, or the token of a private app. HubSpot: Development > Keys > \
             Service keys.",
        )
        .up_front(),
        text("clientId", "Client ID", "Of the OAuth app. HubSpot: your app > Auth.").up_front(),
        secret("clientSecret", "Client secret", "Of the OAuth app, beside the client ID.").up_front(),
        brought_refresh_token(),
        text(
            "scopes",
            "Scopes",
            "What the OAuth app asks for, separated by blanks. Empty asks for what mappings need.",
        ),
        text("redirectUri", "Redirect URL", "Must be registered in the OAuth app exactly like this.")
            .or(DEFAULT_REDIRECT_URI),
        switch("readSchema", "Read the account's properties", "Off uses a built-in list of properties.")
            .or(true),
        choice(
            "apiVersion",
            "API version",
            &[("2026-03", "2026-03"), ("2026-09", "2026-09"), ("v3", "v3, before there were dates")],
            "",
        ),
        text("apiBaseUrl", "API address", "Another one for a sandbox.").or("https://api.hubapi.com"),
        text("authorizeUrl", "Authorization page", "Another one for a sandbox.")
            .or("https://app.hubspot.com/oauth/authorize"),
        number(
            "permitsPerSecond",
            "Calls per second",
            "Empty: as fast as the account allows, which HubSpot tells with each answer.",
        ),
    ]
}

fn salesforce() -> Vec<ConnectorProperty> {
    vec![
        text(
            "loginUrl",
            "Login URL",
            "Where tokens come from: the common login, the one for sandboxes, or your My Domain.",
        )
        .or("https://login.salesforce.com/services/oauth2/token")
        .up_front(),
        choice(
            "grantType",
            "Grant",
            &[
                ("refresh_token", "A person consents once"),
                ("client_credentials", "The app signs in as its Run As user"),
            ],
            "",
        )
        .up_front(),
        text(
            "clientId",
            "Consumer key",
            "Of the External Client App. Salesforce: Setup > External Client App Manager > \
             your app > Settings.",
        )
        .up_front(),
        secret(
            "clientSecret",
            "Consumer secret",
            "Beside the consumer key. An app that does not require it for the web server \
             flow needs none.",
        )
        .up_front(),
        brought_refresh_token(),
        text(
            "instanceUrl",
            "Instance URL",
            "Where the organization is. Salesforce tells it with the first token.",
        ),
        text("scopes", "Scopes", "What the app asks for, separated by blanks.").or("id api refresh_token"),
        text(
            "redirectUri",
            "Callback URL",
            "Must be registered in the External Client App exactly like this.",
        )
        .or(DEFAULT_REDIRECT_URI),
        number("version", "API version", "47 or newer.").or(66),
        text(
            "supportedObjectTypes",
            "Object types",
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
        text(
            "usernameSuffix",
            "Suffix of user names",
            "What every user name of this organization ends with, such as .uat in a sandbox.",
        ),
        number(
            "dailyApiShare",
            "Share of the daily calls, percent",
            "Concord stops here and leaves the rest to the organization's other programs.",
        )
        .or(90),
        number(
            "permitsPerSecond",
            "Calls per second",
            "Salesforce counts calls by the day; this keeps a run from crowding out the \
             organization's other programs.",
        )
        .or(50),
    ]
}

/// Which of its sign-in settings count, the first of them says.
fn scim() -> Vec<ConnectorProperty> {
    vec![
        text(
            "SCIMEndpoint",
            "Endpoint",
            "The address under which the server has /Users, for example \
             https://example.org/scim/v2.",
        )
        .up_front(),
        choice(
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
        .up_front(),
        secret("authToken", "Token or key", "The bearer token, or the key in a header.").up_front(),
        text("user", "User", "For a user and a password.").up_front(),
        secret("password", "Password", "Of that user.").up_front(),
        text("headerName", "Header", "The header that carries the key, for example X-Api-Key.").up_front(),
        text("tokenEndpoint", "Token endpoint", "The address where the OAuth app gets its tokens.")
            .up_front(),
        text("clientId", "Client ID", "The id of the OAuth app that Concord is for the server.").up_front(),
        secret("clientSecret", "Client secret", "Of that app.").up_front(),
        choice(
            "grantType",
            "Grant",
            &[
                ("client_credentials", "Client credentials"),
                ("refresh_token", "Refresh token that the server gave out"),
            ],
            "How an OAuth app gets its tokens.",
        ),
        secret("refreshToken", "Refresh token", "Only where the grant is a refresh token."),
        text("scope", "Scopes", "What an OAuth app asks for, separated by blanks. Many servers need none."),
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
        text(
            "supportedObjectTypes",
            "Object types",
            "Resource types by the server's names, separated by blanks. Test shows which there are.",
        )
        .or("User Group"),
        number("pageSize", "Records on a page", "The server may give fewer.").or(100),
        switch(
            "attributesParameter",
            "Read mapped attributes only",
            "Off reads whole records, for servers that get attributes= wrong.",
        )
        .or(true),
        choice(
            "contentType",
            "Media type",
            &[
                ("application/scim+json", "application/scim+json"),
                ("application/json", "application/json, for servers that know no other"),
            ],
            "",
        ),
        number("permitsPerSecond", "Calls per second", "Each record is a call of its own.").or(10),
        text(
            "readRateLimit",
            "Reads at most",
            "A limit for reads alone, such as 30/sec or 100/min. Empty: only the calls per \
             second count.",
        ),
        text("writeRateLimit", "Writes at most", "The same for writes."),
    ]
}

/// What every connector has for the way to its system.
fn network() -> Vec<ConnectorProperty> {
    vec![
        number("maximumConnections", "Connections at most", "").or(10),
        number(
            "requestTimeoutSeconds",
            "Time for an answer, seconds",
            "Also the time for the next part of a long one. 1 to 600.",
        )
        .or(60),
        text("httpProxyHost", "Proxy host", ""),
        number("httpProxyPort", "Proxy port", ""),
        text("httpProxyUser", "Proxy user", ""),
        secret("httpProxyPassword", "Proxy password", ""),
        text(
            "caFile",
            "Certificate authority file",
            "A PEM file with the authority that signed the server's certificate.",
        ),
        switch(
            "acceptSelfSignedCertificates",
            "Accept self-signed certificates",
            "Weakens security: anybody on the network path can read the token.",
        )
        .or(false),
        switch(
            "disableHostNameVerifier",
            "Accept certificates of other hosts",
            "Weakens security: a certificate of any host is taken.",
        )
        .or(false),
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
                assert_eq!(row.kind == SettingKind::Secret, kept_safe, "{}", row.name);
                assert_eq!(row.kind == SettingKind::Choice, row.choices.len() > 1, "{}", row.name);
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
