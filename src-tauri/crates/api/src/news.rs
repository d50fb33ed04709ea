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
