//! What faults make of HubSpot's answers.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::answer::{Answer, HTML, JSON};
use crate::faults::Action;

use super::problem::Problem;
use super::request::Request;

/// The answer that a fault gives in place of the work, or nothing when the work is to be done.
pub(crate) fn instead(action: &Action, request: &Request) -> Option<Result<Answer, Problem>> {
    Some(match action {
        Action::Answer { status, body, headers } => {
            let mut answer = fixed(*status, body.as_ref());
            for (name, value) in headers {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                answer = answer.with_header(name, text);
            }
            Ok(answer)
        }
        Action::TooManyRequests { policy, retry_after } => {
            let mut problem = Problem::too_many(policy.as_deref().unwrap_or("TEN_SECONDLY_ROLLING"));
            if let Some(seconds) = retry_after {
                problem.headers.push(("retry-after".to_owned(), seconds.to_string()));
            }
            Err(problem)
        }
        Action::ResetBeforeAnswer => Ok(Answer::empty(503)),
        Action::EmptyObject => Ok(Answer::json(200, &json!({}))),
        Action::Html => Ok(Answer::html(
            200,
            "<!doctype html><html><body><h1>We are performing maintenance</h1></body></html>".to_owned(),
        )),
        Action::Redirect { to, status } => {
            // The same path and query on the other host.
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&request.query);
            let query = query.finish();
            let mark = if query.is_empty() { "" } else { "?" };
            Ok(Answer::redirect(
                *status,
                &format!("{}{}{mark}{query}", to.trim_end_matches('/'), request.path),
            ))
        }
        Action::AnswerAfterWork { .. }
        | Action::LoseAnswer
        | Action::CutBody
        | Action::TruncatedJson
        | Action::RepeatPage
        | Action::OverlapPage
        | Action::DropPaging
        | Action::SelfCursor
        | Action::Delay { .. } => return None,
    })
}

/// An answer with the given body, or with HubSpot's own words for the status.
fn fixed(status: u16, body: Option<&Value>) -> Answer {
    match body {
        None => Problem::of_status(status).answer(&uuid::Uuid::new_v4().to_string()),
        Some(Value::String(text)) => Answer::html(status, text.clone()),
        Some(body) => Answer::json(status, body),
    }
}

/// The last good answer of each path, for faults that deliver a page again.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    last: HashMap<(String, String), Answer>,
}

impl Pages {
    pub(crate) fn remember(&mut self, request: &Request, answer: &Answer) {
        if answer.status == 200 {
            self.last.insert((request.method.clone(), request.path.clone()), answer.clone());
        }
    }

    /// Changes a finished answer; anything that is not a page is left as it is.
    pub(crate) fn bend(&self, action: &Action, request: &Request, mut answer: Answer) -> Answer {
        let previous = self.last.get(&(request.method.clone(), request.path.clone()));
        match action {
            Action::AnswerAfterWork { status, body } => fixed(*status, body.as_ref()),
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
            Action::OverlapPage => overlap(previous, answer),
            Action::DropPaging => rewrite(answer, |body| {
                body.remove("paging");
            }),
            Action::SelfCursor => {
                let own = cursor(request);
                rewrite(answer, |body| {
                    let link = request.link_with("after", &own);
                    body.insert("paging".into(), json!({"next": {"after": own, "link": link}}));
                })
            }
            _ => answer,
        }
    }
}

/// The cursor that the page was asked with, in the query or in a search's body.
fn cursor(request: &Request) -> String {
    let in_body = || {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        Some(body.get("after")?.as_str()?.to_owned())
    };
    request.query("after").map(str::to_owned).or_else(in_body).unwrap_or_else(|| "0".to_owned())
}

fn rewrite(answer: Answer, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Answer {
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(mut body)) if answer.content_type == JSON && body.contains_key("results") => {
            change(&mut body);
            Answer { headers: answer.headers, ..Answer::json(answer.status, &body) }
        }
        _ => answer,
    }
}

fn overlap(previous: Option<&Answer>, answer: Answer) -> Answer {
    let previous: Option<Value> = previous
        .filter(|previous| previous.content_type != HTML)
        .and_then(|previous| serde_json::from_slice(&previous.body).ok());
    let Some(before) = previous.as_ref().and_then(|body| body.get("results")).and_then(Value::as_array)
    else {
        return answer;
    };
    rewrite(answer, |body| {
        let Some(Value::Array(page)) = body.get("results").cloned() else { return };
        let half = page.len() / 2;
        let mut results: Vec<Value> = before.iter().skip(before.len() / 2).cloned().collect();
        results.extend(page.iter().take(page.len() - half).cloned());
        if let Some(last) = results.last().and_then(|record| record.get("id")).cloned() {
            body.insert("paging".into(), json!({"next": {"after": last}}));
        }
        body.insert("results".into(), results.into());
    })
}
