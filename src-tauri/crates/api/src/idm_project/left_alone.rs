//! What an IDM project holds beside connectors, mappings, types and schedules, and why it is left where it is.

use serde::Serialize;

/// A file of the project that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftAlone {
    /// Its name.
    pub file: String,
    /// Why it means nothing here, and what does its work, if anything does.
    pub why: String,
}

/// What the name of a document begins with, and what is to be said about it. The first that fits counts.
const DOCUMENTS: [(&[&str], &str); 13] = [
    (
        &["authentication", "identityProvider", "federation"],
        "it says how people sign in to IDM, with other systems' accounts too; here openidm-admin signs in, and scripts do with tokens (`concord api-token`, `concord scim-token`)",
    ),
    (
        &["access", "authorization", "privilege", "internal", "alphaOrg"],
        "it says who may call what of IDM; here a token has the scope full or read",
    ),
    (&["workflow", "process"], "workflows do not run here"),
    (
        &["endpoint"],
        "endpoints of one's own do not run here; call `concord` or its REST from a program of yours",
    ),
    (&["external"], "nothing here sends mail or calls other services from a script"),
    (&["repo", "datasource"], "it is about IDM's database; Concord keeps one of its own in the data folder"),
    (
        &["audit"],
        "it says where IDM writes its audit; here that is in the data folder, on the screens and in the runs",
    ),
    (
        &["selfservice", "kba", "consent", "registration"],
        "it is about IDM's self-service; `concord serve --self-service` has pages of its own, after the managed type's schema",
    ),
    (&["ui"], "it is about IDM's own pages"),
    (
        &["policy"],
        "policies of IDM that stand at a property of managed.json were taken over with it; a policy script of one's own does not run here",
    ),
    (
        &["provisioner.openicf.connectorinfoprovider"],
        "connector servers are not called; Concord speaks to HubSpot, Salesforce and SCIM servers itself",
    ),
    (&["notification", "email", "social"], "nothing here notifies people"),
    (&[""], "it is a setting of the IDM server that nothing here asks for"),
];

/// A document of `conf/` that is left alone.
pub(super) fn document(file: String, holds_mappings: bool) -> LeftAlone {
    if holds_mappings {
        let why = "it holds mappings, and those of sync.json and mapping-NAME.json are the ones that are read; move them into sync.json to take them over";
        return LeftAlone { file, why: why.to_owned() };
    }
    let why = DOCUMENTS
        .iter()
        .find(|(beginnings, _)| beginnings.iter().any(|beginning| file.starts_with(beginning)))
        .map_or("", |(_, why)| why);
    LeftAlone { file, why: why.to_owned() }
}

/// A file of the project's `workflow` folder.
pub(super) fn workflow(file: &str) -> LeftAlone {
    LeftAlone { file: format!("workflow/{file}"), why: "workflows do not run here".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_has_its_reason() {
        for (file, word) in [
            ("authentication.json", "sign in"),
            ("access.json", "scope"),
            ("workflow.json", "workflows"),
            ("process-access.json", "workflows"),
            ("endpoint-echo.json", "endpoints"),
            ("external.email.json", "mail"),
            ("repo.jdbc.json", "database"),
            ("datasource.jdbc-default.json", "database"),
            ("selfservice-registration.json", "--self-service"),
            ("ui-themeconfig.json", "pages"),
            ("policy.json", "policy script"),
            ("provisioner.openicf.connectorinfoprovider.json", "connector servers"),
            ("cluster.json", "setting of the IDM server"),
        ] {
            let left = document(file.to_owned(), false);
            assert!(left.why.contains(word), "{file}: {}", left.why);
        }
        let left = document("syncManagedBusiness.json".into(), true);
        assert!(left.why.contains("it holds mappings"), "{}", left.why);
    }
}
