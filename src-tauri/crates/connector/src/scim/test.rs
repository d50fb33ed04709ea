//! Testing a connection: is it a SCIM server, are the credentials good, what can it do, can each type be read.

use super::answers::{ListPage, clean};
use super::settings::{Method, Updating};
use super::{Kind, Scim};
use crate::error::ConnectorError;
use crate::port::TestReport;

impl Scim {
    pub(super) async fn check_connection(&self) -> Result<TestReport, ConnectorError> {
        let mut report = TestReport::default();
        let discovered = {
            let _alone = self.discovering.lock().await;
            self.discover_anew().await?
        };
        let host = self.settings.endpoint.host_str().unwrap_or_default();
        let mut lines = Vec::new();
        for name in &self.settings.object_types {
            let kind = self.kind(name).await?;
            lines.push(self.one_record(&kind).await?);
        }
        report.checked.push(format!("reached {host}"));
        report.checked.push(
            match self.settings.method {
                Method::Token => "token accepted",
                Method::Basic => "user and password accepted",
                Method::Header => "key accepted",
                Method::OAuth { .. } => "token granted and accepted",
            }
            .to_owned(),
        );
        let abilities = &discovered.abilities;
        report.checked.push(if abilities.told {
            let all = [
                ("PATCH", abilities.patch),
                ("filters", abilities.filter),
                ("versions (ETag)", abilities.etag),
                ("cursors", abilities.cursor),
            ];
            let words = |yes: bool| {
                let some: Vec<&str> =
                    all.iter().filter(|(_, has)| *has == yes).map(|(what, _)| *what).collect();
                if some.is_empty() { "none of the options".to_owned() } else { some.join(", ") }
            };
            format!("it offers {}; it does not offer {}", words(true), words(false))
        } else {
            "it does not tell what it offers (no ServiceProviderConfig); PATCH and filters are assumed"
                .to_owned()
        });
        if !abilities.sign_in.is_empty() {
            report
                .checked
                .push(format!("it names these ways to sign in: {}", clean(&abilities.sign_in.join(", "))));
        }
        report.checked.push(
            match (self.settings.updating, abilities.patch) {
                (Updating::Patch, _) | (Updating::Auto, true) => "records are changed by PATCH",
                (Updating::Put, _) | (Updating::Auto, false) => "records are changed by PUT",
            }
            .to_owned(),
        );
        if !abilities.filter {
            report.checked.push(
                "it has no filters: records are looked up by reading the whole list, and there is no change feed".to_owned(),
            );
        }
        report.checked.extend(lines);
        let others: Vec<String> = discovered
            .types
            .iter()
            .filter(|t| !self.settings.object_types.iter().any(|name| name.eq_ignore_ascii_case(&t.name)))
            .map(|t| clean(&t.name))
            .collect();
        if !others.is_empty() {
            report.checked.push(format!(
                "it also has {}; name them in supportedObjectTypes to use them",
                others.join(", ")
            ));
        }
        Ok(report)
    }

    /// Reads one record of a type.
    async fn one_record(&self, kind: &Kind) -> Result<String, ConnectorError> {
        let mut url = self.url(&kind.path);
        url.query_pairs_mut().append_pair("startIndex", "1").append_pair("count", "1");
        let page = self.http.send(&self.get(url), ListPage::read).await?;
        let schema =
            if kind.shape.told { "" } else { " (its schema is not told; that of RFC 7643 is assumed)" };
        Ok(match page.total {
            Some(total) => format!("{}: can be read, {total} there{schema}", kind.name),
            None => format!("{}: can be read{schema}", kind.name),
        })
    }
}
