//! What faults make of a provider's answers.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, JSON};
use crate::faults::Action;
use crate::request::Request;

/// How a provider words its refusals and lays out the pages of a list.
pub(crate) trait Dialect {
    /// The member of a page that holds its records.
    const RECORDS: &'static str;
    /// The member of a page that leads to the next one.
    const NEXT: &'static str;

    /// The provider's own error for a status.
    fn of_status(status: u16, request: &Request) -> Answer;

    /// A refusal over a limit. `policy` names the limit, `retry_after` is in seconds; a provider uses what it knows.
    fn too_many(policy: Option<&str>, retry_after: Option<u64>, request: &Request) -> Answer;

    /// What a page is remembered by, so that a later page of the same list finds the one before.
    fn list(request: &Request) -> String {
        format!("{} {}", request.method, request.path)
    }

    /// Makes a page lead to itself.
    fn lead_to_itself(request: &Request, page: &mut Map<String, Value>);

    /// Makes a page lead to a place where nobody has been yet.
    fn lead_on(request: &Request, page: &mut Map<String, Value>);

    /// A page that begins with the last half of the one `before`; nothing is lost and cursors still rise.
    fn overlap(before: &[Value], page: &mut Map<String, Value>);
}

/// The answer that a fault gives in place of the work, or nothing when the work is to be done.
pub(crate) fn instead<D: Dialect>(action: &Action, request: &Request) -> Option<Answer> {
    Some(match action {
        Action::Answer { status, body, headers } => {
            headers.iter().fold(fixed::<D>(*status, body.as_ref(), request), |answer, (name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                answer.with_header(name, text)
            })
        }
        Action::TooManyRequests { policy, retry_after } => {
            D::too_many(policy.as_deref(), *retry_after, request)
        }
        Action::ResetBeforeAnswer => Answer::empty(503),
        Action::EmptyObject => Answer::json(200, &json!({})),
        Action::Html => Answer::html(
            200,
            "<!doctype html><html><body><h1>Down for maintenance</h1></body></html>".to_owned(),
        ),
        Action::Redirect { to, status } => Answer::redirect(*status, &request.elsewhere(to)),
        Action::AnswerAfterWork { .. }
        | Action::LoseAnswer
        | Action::CutBody
        | Action::TruncatedJson
        | Action::RepeatPage
        | Action::OverlapPage
        | Action::DropPaging
        | Action::SelfCursor
        | Action::NewCursor
        | Action::Delay { .. } => return None,
    })
}

/// An answer with the given body, or in the provider's own words for the status.
fn fixed<D: Dialect>(status: u16, body: Option<&Value>, request: &Request) -> Answer {
    match body {
        None => D::of_status(status, request),
        Some(Value::String(text)) => Answer::html(status, text.clone()),
        Some(body) => Answer::json(status, body),
    }
}

/// The last good answer of each list, for faults that deliver a page again.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    last: HashMap<String, Answer>,
}

impl Pages {
    pub(crate) fn remember<D: Dialect>(&mut self, request: &Request, answer: &Answer) {
        if answer.status == 200 {
            self.last.insert(D::list(request), answer.clone());
        }
    }

    /// Changes a finished answer; anything that is not a page is left as it is.
    pub(crate) fn bend<D: Dialect>(&self, action: &Action, request: &Request, mut answer: Answer) -> Answer {
        let previous = self.last.get(&D::list(request));
        match action {
            Action::AnswerAfterWork { status, body } => fixed::<D>(*status, body.as_ref(), request),
            Action::TruncatedJson => {
                let half = answer.body.len() / 2;
                answer.body.truncate(half);
                answer.status = 200;
                answer
            }
            Action::RepeatPage => match previous {
                Some(previous) => Answer { headers: answer.headers, ..previous.clone() },
                None => answer,
            },
            Action::OverlapPage => match previous.and_then(page::<D>) {
                Some(mut before) => match before.remove(D::RECORDS) {
                    Some(Value::Array(before)) => rewrite::<D>(answer, |page| D::overlap(&before, page)),
                    _ => answer,
                },
                None => answer,
            },
            Action::DropPaging => rewrite::<D>(answer, |page| {
                page.remove(D::NEXT);
            }),
            Action::SelfCursor => rewrite::<D>(answer, |page| D::lead_to_itself(request, page)),
            Action::NewCursor => {
                let before = previous.and_then(page::<D>).and_then(|mut page| page.remove(D::RECORDS));
                rewrite::<D>(answer, |page| {
                    let records = before.as_ref().or_else(|| page.get(D::RECORDS));
                    let first = records.and_then(|records| records.get(0)).cloned();
                    page.insert(D::RECORDS.into(), first.into_iter().collect());
                    D::lead_on(request, page);
                })
            }
            _ => answer,
        }
    }
}

/// The body of an answer that is a page of a list.
fn page<D: Dialect>(answer: &Answer) -> Option<Map<String, Value>> {
    if answer.content_type != JSON {
        return None;
    }
    let body: Map<String, Value> = serde_json::from_slice(&answer.body).ok()?;
    body.contains_key(D::RECORDS).then_some(body)
}

fn rewrite<D: Dialect>(answer: Answer, change: impl FnOnce(&mut Map<String, Value>)) -> Answer {
    match page::<D>(&answer) {
        Some(mut page) => {
            change(&mut page);
            Answer { headers: answer.headers, ..Answer::json(answer.status, &page) }
        }
        None => answer,
    }
}
