//! What faults make of Salesforce's answers.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, JSON};
use crate::faults::Action;

use super::problem::Problem;
use super::request::Request;

/// The answer that a fault gives in place of the work, or nothing when the work is to be done.
pub(crate) fn instead(action: &Action, request: &Request) -> Option<Answer> {
    Some(match action {
        Action::Answer { status, body, headers } => {
            headers.iter().fold(fixed(*status, body.as_ref()), |answer, (name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                answer.with_header(name, text)
            })
        }
        Action::TooManyRequests { policy, .. } => {
            // Salesforce sends no Retry-After.
            Problem::limit(policy.as_deref().unwrap_or("TotalRequests")).answer()
        }
        Action::ResetBeforeAnswer => Answer::empty(503),
        Action::EmptyObject => Answer::json(200, &json!({})),
        Action::Html => Answer::html(
            200,
            "<!doctype html><html><body><h1>Down for maintenance</h1></body></html>".to_owned(),
        ),
        Action::Redirect { to, status } => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let query = query.extend_pairs(&request.query).finish();
            let mark = if query.is_empty() { "" } else { "?" };
            Answer::redirect(*status, &format!("{}{}{mark}{query}", to.trim_end_matches('/'), request.path))
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

fn fixed(status: u16, body: Option<&Value>) -> Answer {
    match body {
        None => Problem::of_status(status).answer(),
        Some(Value::String(text)) => Answer::html(status, text.clone()),
        Some(body) => Answer::json(status, body),
    }
}

/// The last query page, for faults that deliver one again. Its cursor's pages have paths of their own, so all queries
/// share one place.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    last: HashMap<String, Answer>,
}

fn place(request: &Request) -> String {
    let is_query = request.segments.iter().any(|part| part == "query" || part == "queryAll");
    if is_query { "query".to_owned() } else { format!("{} {}", request.method, request.path) }
}

impl Pages {
    pub(crate) fn remember(&mut self, request: &Request, answer: &Answer) {
        if answer.status == 200 {
            self.last.insert(place(request), answer.clone());
        }
    }

    /// Changes a finished answer; anything that is not a page is left as it is.
    pub(crate) fn bend(&self, action: &Action, request: &Request, mut answer: Answer) -> Answer {
        let previous = self.last.get(&place(request));
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
                body.remove("nextRecordsUrl");
            }),
            Action::SelfCursor => rewrite(answer, |body| {
                body.insert("nextRecordsUrl".into(), request.path.clone().into());
                body.insert("done".into(), false.into());
            }),
            _ => answer,
        }
    }
}

fn rewrite(answer: Answer, change: impl FnOnce(&mut Map<String, Value>)) -> Answer {
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(mut body)) if answer.content_type == JSON && body.contains_key("records") => {
            change(&mut body);
            Answer { headers: answer.headers, ..Answer::json(answer.status, &body) }
        }
        _ => answer,
    }
}

/// The last half of the previous page before all of this one.
fn overlap(previous: Option<&Answer>, answer: Answer) -> Answer {
    let previous: Option<Value> = previous.and_then(|previous| serde_json::from_slice(&previous.body).ok());
    let Some(before) = previous.as_ref().and_then(|body| body.get("records")).and_then(Value::as_array)
    else {
        return answer;
    };
    rewrite(answer, |body| {
        if let Some(Value::Array(page)) = body.get_mut("records") {
            let mut records: Vec<Value> = before.iter().skip(before.len() / 2).cloned().collect();
            records.append(page);
            *page = records;
        }
    })
}
