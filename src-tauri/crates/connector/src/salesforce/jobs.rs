//! The jobs that Salesforce still works on, whoever asked for them: a process that ended meanwhile, or a call whose answer
//! was lost. What such a job holds cannot be found yet and may still come.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::Salesforce;
use super::bulk::is_over;
use super::ids;
use super::objects::ObjectType;
use super::soql::time;
use super::words::plain;
use crate::error::ConnectorError;
use crate::http::{Answer, Failure};

/// A job that stays open for longer was left behind: its records were never uploaded, or nobody lived to say that they all
/// were. It writes nothing, and is ended so that it never will. Until then a call of its maker may still be on its way.
const OPEN_FOR: SignedDuration = SignedDuration::from_mins(2);

/// A page has up to 1,000 jobs, and an organization makes no more than 15,000 batches a day, of which a job has one at least.
const MOST_PAGES: usize = 200;

/// A page of the list of all jobs of the organization, which are kept for seven days and come in no order (Bulk API 2.0,
/// "Get Information About All Ingest Jobs").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    done: bool,
    records: Vec<Listed>,
    #[serde(default)]
    next_records_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(deserialize_with = "plain")]
    id: String,
    object: String,
    #[serde(deserialize_with = "plain")]
    operation: String,
    #[serde(deserialize_with = "plain")]
    state: String,
    #[serde(default)]
    created_by_id: Option<String>,
    #[serde(default)]
    created_date: Option<String>,
}

#[derive(Deserialize)]
struct Caller {
    user_id: String,
}

impl Listed {
    /// Whether a job of this connection for this type could be it.
    fn may_write(&self, kind: &ObjectType) -> bool {
        self.object == kind.name && !is_over(&self.state) && self.operation != "hardDelete"
    }

    fn left_behind(&self, now: Timestamp) -> bool {
        let created = self.created_date.as_deref().and_then(time);
        self.state == "Open" && created.is_some_and(|created| now.duration_since(created) > OPEN_FOR)
    }
}

impl Salesforce {
    /// The jobs that may yet write records of this type, in words. Those that were left open are ended.
    pub(super) async fn jobs_under_way(&self, kind: &ObjectType) -> Result<Option<String>, ConnectorError> {
        if !kind.bulk {
            return Ok(None);
        }
        let (mut jobs, now) = match self.live_jobs(kind).await {
            Ok(listed) => listed,
            // Where nobody may ask for jobs there are none of ours: nobody may make them either.
            Err(Failure::Refused(refusal)) if matches!(refusal.status, 400 | 403..=405) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        if jobs.is_empty() {
            return Ok(None);
        }
        let ours = self.caller().await?;
        if let Some(ours) = &ours {
            jobs.retain(|job| job.created_by_id.as_deref().and_then(ids::long).is_none_or(|by| by == *ours));
        }
        let mut under_way = Vec::new();
        for job in jobs {
            // Where it is not known whose it is it stays, and writes nothing while it is open.
            let over = job.left_behind(now)
                && (ours.is_none() || self.abort(&format!("jobs/ingest/{}", job.id)).await);
            if !over {
                under_way.push(job);
            }
        }
        let more = under_way.len().saturating_sub(1);
        Ok(under_way.first().map(|job| {
            let others = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!(
                "connector `{}`: bulk job {} ({} of {}, {}){others} has not come to an end at Salesforce; see Setup > Bulk Data Load Jobs",
                self.name, job.id, job.operation, job.object, job.state
            )
        }))
    }

    /// The jobs that are not over, and the time at Salesforce. Asked for whatever the share of the day: nothing is sent
    /// before this is known.
    async fn live_jobs(&self, kind: &ObjectType) -> Result<(Vec<Listed>, Timestamp), Failure> {
        let mut url = self.url("jobs/ingest");
        url.query_pairs_mut().append_pair("isPkChunkingEnabled", "false").append_pair("jobType", "V2Ingest");
        let (mut jobs, mut been) = (Vec::new(), HashSet::new());
        loop {
            let read = |answer: &Answer| Ok((answer.json::<Page>()?, answer.date()));
            let (page, date) = self.http.send(&self.get(url.clone()), read).await?;
            jobs.extend(page.records.into_iter().filter(|job| job.may_write(kind)));
            if page.done {
                return Ok((jobs, date.unwrap_or_else(|| self.clock.now())));
            }
            been.insert(url);
            url = page
                .next_records_url
                .and_then(|path| self.further(&path))
                .filter(|url| !been.contains(url) && been.len() < MOST_PAGES)
                .ok_or_else(|| {
                    Failure::NotDone(
                        self.untrusted("the list of bulk jobs does not come to an end; run again"),
                    )
                })?;
        }
    }

    /// The address behind a path that the list of jobs named. Only path and query count: an answer never says where the
    /// token goes.
    fn further(&self, path: &str) -> Option<Url> {
        let told = Url::parse(path).ok().or_else(|| self.somewhere.join(path).ok())?;
        let mut url = self.somewhere.clone();
        url.set_path(told.path());
        url.set_query(told.query());
        told.path().starts_with("/services/data/").then_some(url)
    }

    /// The id of the user whose token this is; `None` where the token may not ask.
    async fn caller(&self) -> Result<Option<String>, ConnectorError> {
        let mut url = self.somewhere.clone();
        url.set_path("/services/oauth2/userinfo");
        match self.http.send(&self.get(url), |answer| answer.json::<Caller>()).await {
            Ok(caller) => Ok(ids::long(&caller.user_id)),
            Err(Failure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }
}
