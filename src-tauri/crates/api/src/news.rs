//! What a person should hear of although they look elsewhere: a run that is held or failed, a connector that stopped working.
//! Not every run, and nothing twice.

use std::collections::HashMap;

use crate::{
    ApiError, App,
    dto::{ConnectorState, ConnectorSummary, Empty, RunState, RunSummary, RunsRequest},
};

/// Runs that are looked at; more than this do not end between two looks.
const LOOKED_AT: u32 = 50;

/// Something worth saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// In a few words.
    pub title: String,
    /// What it is about, and what to do.
    pub body: String,
    /// The screen that shows it.
    pub address: String,
}

/// How runs and connectors stood at a look.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    runs: HashMap<String, RunState>,
    connectors: HashMap<String, ConnectorState>,
}

impl Standing {
    fn of(runs: &[RunSummary], connectors: &[ConnectorSummary]) -> Self {
        Self {
            runs: runs.iter().map(|run| (run.id.clone(), run.state)).collect(),
            connectors: connectors.iter().map(|c| (c.name.clone(), c.state)).collect(),
        }
    }
}

impl App {
    /// How things stand now, and what is new since `before`. Without a look before nothing is new.
    pub async fn news(&self, before: Option<&Standing>) -> Result<(Standing, Vec<News>), ApiError> {
        let runs =
            self.runs_list(RunsRequest { mapping: None, after: None, limit: Some(LOOKED_AT) }).await?.runs;
        let connectors = self.connectors_list(Empty {}).await?;
        let news = before.map_or_else(Vec::new, |before| news_since(before, &runs, &connectors));
        Ok((Standing::of(&runs, &connectors), news))
    }
}

fn news_since(before: &Standing, runs: &[RunSummary], connectors: &[ConnectorSummary]) -> Vec<News> {
    let mut news = Vec::new();
    // Oldest first, as it happened.
    for run in runs.iter().rev() {
        let title = match run.state {
            RunState::Held => format!("A run of {} is held", run.mapping),
            RunState::Failed => format!("A run of {} failed", run.mapping),
            _ => continue,
        };
        if before.runs.get(&run.id) != Some(&run.state) {
            let body = run.message.clone().unwrap_or_default();
            news.push(News { title, body, address: format!("/runs/{}", run.id) });
        }
    }
    for connector in connectors {
        let was = before.connectors.get(&connector.name);
        if connector.state == ConnectorState::Error && was.is_some_and(|was| *was != ConnectorState::Error) {
            news.push(News {
                title: format!("{} needs you", connector.title),
                body: connector.message.clone().unwrap_or_default(),
                address: format!("/connectors/{}", connector.name),
            });
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(id: &str, state: &str, message: Option<&str>) -> RunSummary {
        serde_json::from_value(json!({
            "id": id, "mapping": "m", "mode": "reconcile", "state": state, "stage": "", "stageDescription": "",
            "started": "", "ended": null, "durationMs": 0, "processed": 0, "total": null, "changes": 0, "done": 0,
            "failed": 0, "stale": 0, "needsYou": 0, "calls": 0, "undoes": null, "message": message
        }))
        .unwrap()
    }

    fn connector(state: &str) -> ConnectorSummary {
        serde_json::from_value(json!({
            "name": "hubspot", "title": "HubSpot", "provider": "hubspot", "enabled": true, "state": state,
            "message": (state == "error").then_some("authorize again"), "testedAt": null, "objectTypes": [],
            "mappings": [], "host": "", "usage": null, "drift": 0
        }))
        .unwrap()
    }

    fn said(before: (&[RunSummary], &str), after: (&[RunSummary], &str)) -> Vec<(String, String)> {
        let before = Standing::of(before.0, &[connector(before.1)]);
        let news = news_since(&before, after.0, &[connector(after.1)]);
        news.into_iter().map(|n| (format!("{}: {}", n.title, n.body), n.address)).collect()
    }

    #[test]
    fn only_what_changed_for_the_worse_is_said_and_once() {
        let fine = || (run("1", "active", None), run("2", "success", None));
        let (active, success) = fine();
        let before = (&[active, success.clone()][..], "active");
        let held = run("1", "held", Some("held: deletes 9 of 5 allowed"));
        let failed = run("3", "failed", Some("HubSpot cannot be reached"));
        assert_eq!(
            said(before, (&[failed.clone(), held.clone(), success.clone()], "active")),
            [
                ("A run of m is held: held: deletes 9 of 5 allowed".into(), "/runs/1".into()),
                ("A run of m failed: HubSpot cannot be reached".into(), "/runs/3".into()),
            ]
        );
        let after = [failed, held, success];
        assert_eq!(said((&after, "active"), (&after, "active")), [], "it has been said");
        assert_eq!(said(before, (&[fine().1], "active")), [], "not every run");
        assert_eq!(
            said(before, (before.0, "error")),
            [("HubSpot needs you: authorize again".into(), "/connectors/hubspot".into())]
        );
        for (was, is) in
            [("error", "error"), ("error", "active"), ("untested", "active"), ("active", "disabled")]
        {
            assert_eq!(said((&[], was), (&[], is)), [], "{was} {is}");
        }
    }
}
