//! Lists as CREST asks for them and answers them.

use std::cmp::Ordering;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{Filter, Pointer};
use serde_json::{Value, json};

use super::{
    fields::Fields,
    operation::{Answer, Call},
};
use crate::problem::Problem;

/// What to list and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub filter: Filter,
    /// The filter as it was given; `None` lists everything.
    pub filter_text: Option<String>,
    pub fields: Fields,
    /// Fields to sort by, each with whether it is descending.
    pub sort: Vec<(String, bool)>,
    /// Whether texts are ordered as numbers where all of them are numbers: HubSpot sends every value as a text.
    pub numbers: bool,
    /// Most results in the answer; `None` is all of them.
    pub size: Option<usize>,
    pub cookie: Option<String>,
    /// What tells this list's cookies from those of another.
    pub mark: String,
    pub offset: usize,
    pub count: bool,
    pub count_only: bool,
}

impl Wanted {
    /// Of a list that IDM also gives whole to who asks for nothing.
    pub fn read_or_all(call: &Call) -> Result<Self, Problem> {
        Self::read_with(call, Some("true"))
    }

    pub fn read(call: &Call) -> Result<Self, Problem> {
        Self::read_with(call, None)
    }

    fn read_with(call: &Call, default: Option<&str>) -> Result<Self, Problem> {
        if call.text("_queryExpression").is_some() {
            return Err(Problem::bad_request("_queryExpression is not supported; use _queryFilter"));
        }
        let mut fields = call.fields();
        let default = default.filter(|_| call.text("_queryId").is_none());
        let mut filter_text = call.text("_queryFilter").or(default).map(str::to_owned);
        let filter = match (filter_text.as_deref(), call.text("_queryId")) {
            (Some(_), Some(_)) => {
                return Err(Problem::bad_request(
                    "_queryFilter and _queryId exclude each other; give one of them",
                ));
            }
            (Some(text), None) => Filter::parse(text).map_err(|e| Problem::bad_request(e.to_string()))?,
            (None, Some("query-all-ids")) => {
                if fields.is_all() {
                    fields = Fields::ids();
                }
                Filter::Always(true)
            }
            (None, Some("for-userName")) => {
                let text = format!("userName eq {}", Value::from(call.needed("uid")?));
                let filter = Filter::parse(&text).map_err(|e| Problem::bad_request(e.to_string()))?;
                filter_text = Some(text);
                filter
            }
            (None, Some(_)) => Filter::Always(true),
            (None, None) => {
                return Err(Problem::bad_request(
                    "a list needs _queryFilter or _queryId; _queryFilter=true lists everything",
                ));
            }
        };
        let offset = call.number("_pagedResultsOffset").unwrap_or(0);
        let cookie = call.text("_pagedResultsCookie");
        if cookie.is_some() && offset > 0 {
            return Err(Problem::bad_request(
                "_pagedResultsCookie and _pagedResultsOffset exclude each other",
            ));
        }
        let sort: Vec<(String, bool)> = call
            .text("_sortKeys")
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .map(|key| match key.strip_prefix('-') {
                Some(name) => (name.trim_start_matches('/').to_owned(), true),
                None => (key.trim_start_matches(['+', ' ']).trim_start_matches('/').to_owned(), false),
            })
            .collect();
        let mark = mark(&call.path, &filter, &sort);
        let cookie = cookie.map(|cookie| unwrapped(cookie, &mark)).transpose()?;
        Ok(Self {
            filter_text: filter_text.filter(|_| filter != Filter::Always(true)),
            filter,
            fields,
            sort,
            numbers: false,
            size: call.number("_pageSize").filter(|size| *size > 0),
            cookie,
            mark,
            offset,
            count: call.text("_totalPagedResultsPolicy").is_some_and(|policy| policy != "NONE"),
            count_only: call.switch("_countOnly"),
        })
    }

    /// CREST's document about a part of this list.
    pub fn answer(&self, part: Part) -> Answer {
        let total = part.total.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
        let cookie = part.cookie.map(|place| BASE64_URL_SAFE_NO_PAD.encode(format!("{} {place}", self.mark)));
        Answer::ok(json!({
            "resultCount": part.result.len(),
            "result": part.result,
            "pagedResultsCookie": cookie,
            "totalPagedResultsPolicy": if part.total.is_some() { "EXACT" } else { "NONE" },
            "totalPagedResults": total,
            "remainingPagedResults": -1,
        }))
    }
}

/// What a cookie is good for: one collection, filter and order. In another list its place means nothing.
fn mark(path: &[(String, String)], filter: &Filter, sort: &[(String, bool)]) -> String {
    let list = format!("{path:?} {filter} {sort:?}");
    blake3::hash(list.as_bytes()).to_hex().chars().take(16).collect()
}

/// A part of a list.
pub(crate) struct Part {
    pub result: Vec<Value>,
    pub cookie: Option<String>,
    /// How many match, where it was counted.
    pub total: Option<usize>,
}

/// Only how many match.
pub(crate) fn count_only(total: usize) -> Answer {
    Answer::ok(json!({
        "resultCount": total,
        "result": [],
        "pagedResultsCookie": null,
        "totalPagedResultsPolicy": "EXACT",
        "totalPagedResults": total,
        "remainingPagedResults": -1,
    }))
}

/// The wanted part of a list that is held as a whole. Its cookies are positions.
pub(crate) fn part_of(rows: Vec<Value>, wanted: &Wanted) -> Result<Answer, Problem> {
    let mut rows: Vec<Value> = rows.into_iter().filter(|row| wanted.filter.matches(row)).collect();
    if wanted.count_only {
        return Ok(count_only(rows.len()));
    }
    let keys: Vec<Key> = wanted
        .sort
        .iter()
        .map(|(name, descending)| {
            let pointer = Pointer::parse(name);
            let numbers = wanted.numbers && are_numbers(&rows, &pointer);
            Key { pointer, descending: *descending, numbers }
        })
        .collect();
    rows.sort_by(|a, b| by_keys(a, b, &keys));
    let total = rows.len();
    let from = match &wanted.cookie {
        Some(cookie) => cookie.parse().map_err(|_| unknown_cookie())?,
        None => wanted.offset,
    };
    let result: Vec<Value> = rows
        .into_iter()
        .skip(from)
        .take(wanted.size.unwrap_or(usize::MAX))
        .map(|row| wanted.fields.of(row))
        .collect();
    let end = from.saturating_add(result.len());
    Ok(wanted.answer(Part {
        cookie: (wanted.size.is_some() && end < total).then(|| end.to_string()),
        result,
        total: wanted.count.then_some(total),
    }))
}

/// A cookie of the list of this mark, as it was before it was made fit for a URL.
fn unwrapped(cookie: &str, mark: &str) -> Result<String, Problem> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cookie).map_err(|_| unknown_cookie())?;
    let text = String::from_utf8(bytes).map_err(|_| unknown_cookie())?;
    match text.split_once(' ') {
        Some((its, place)) if its == mark => Ok(place.to_owned()),
        Some((its, _)) if its.len() == mark.len() => Err(Problem::bad_request(
            "this _pagedResultsCookie belongs to a list with another filter or other _sortKeys; keep both from page to page, or begin again without a cookie",
        )),
        _ => Err(unknown_cookie()),
    }
}

pub(crate) fn unknown_cookie() -> Problem {
    Problem::bad_request("this _pagedResultsCookie is none that this list gave")
}

/// What a list is ordered by.
struct Key {
    pointer: Pointer,
    descending: bool,
    /// Whether its texts are numbers.
    numbers: bool,
}

/// Whether every value there is can be read as a number. One that cannot would stand in no order with the others.
fn are_numbers(rows: &[Value], pointer: &Pointer) -> bool {
    rows.iter().filter_map(|row| pointer.get(row)).filter(|v| !v.is_null()).all(|v| number_of(v).is_some())
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        other => other.as_f64(),
    }
}

/// Orders by the keys; what has no value comes last in either direction.
fn by_keys(a: &Value, b: &Value, keys: &[Key]) -> Ordering {
    for Key { pointer, descending, numbers } in keys {
        let (one, other) = (pointer.get(a), pointer.get(b));
        let ordering = match (one.filter(|v| !v.is_null()), other.filter(|v| !v.is_null())) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(one), Some(other)) if *numbers => {
                number_of(one).partial_cmp(&number_of(other)).unwrap_or(Ordering::Equal)
            }
            (Some(one), Some(other)) => compare(one, other),
        };
        match ordering {
            Ordering::Equal => {}
            ordering if *descending => return ordering.reverse(),
            ordering => return ordering,
        }
    }
    Ordering::Equal
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
        }
        _ => one.to_string().cmp(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::operation::Content, *};

    fn wanted() -> Wanted {
        Wanted {
            filter: Filter::Always(true),
            filter_text: None,
            fields: Fields::default(),
            sort: Vec::new(),
            numbers: false,
            size: None,
            cookie: None,
            mark: "m".into(),
            offset: 0,
            count: false,
            count_only: false,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Wanted), expect: &[i64], cookie: Option<&str>) {
        let rows = vec![
            json!({"n": 2, "s": "b"}),
            json!({"n": 1, "s": "a"}),
            json!({"s": "c"}),
            json!({"n": 3, "s": "b"}),
        ];
        let mut wanted = wanted();
        change(&mut wanted);
        let Content::Document(document) = part_of(rows, &wanted).unwrap().content else {
            panic!("a document")
        };
        let found: Vec<i64> =
            document["result"].as_array().unwrap().iter().map(|row| row["n"].as_i64().unwrap_or(0)).collect();
        assert_eq!(found, expect);
        let told = document["pagedResultsCookie"].as_str().map(|cookie| unwrapped(cookie, "m").unwrap());
        assert_eq!(told.as_deref(), cookie);
    }

    #[test]
    fn texts_that_are_numbers_are_ordered_as_numbers_where_that_is_asked() {
        let sorted = |values: Value, numbers: bool| -> Value {
            let rows = values.as_array().unwrap().iter().map(|v| json!({"v": v})).collect();
            let wanted = Wanted { sort: vec![("v".into(), false)], numbers, ..wanted() };
            let Content::Document(document) = part_of(rows, &wanted).unwrap().content else {
                panic!("a document")
            };
            document["result"].as_array().unwrap().iter().map(|row| row["v"].clone()).collect()
        };
        for (values, numbers, expect) in [
            (json!(["10", null, "9", "-1.5"]), true, json!(["-1.5", "9", "10", null])),
            (json!(["10", "9", "b"]), true, json!(["10", "9", "b"])),
            (json!(["9", "10"]), false, json!(["10", "9"])),
        ] {
            assert_eq!(sorted(values, numbers), expect);
        }
    }

    #[test]
    fn lists_are_filtered_sorted_and_paged() {
        check(|_| {}, &[2, 1, 0, 3], None);
        check(|w| w.filter = Filter::parse("n gt 1").unwrap(), &[2, 3], None);
        check(|w| w.sort = vec![("n".into(), false)], &[1, 2, 3, 0], None);
        check(|w| w.sort = vec![("n".into(), true)], &[3, 2, 1, 0], None);
        check(|w| w.sort = vec![("s".into(), false), ("n".into(), true)], &[1, 3, 2, 0], None);
        check(|w| w.size = Some(3), &[2, 1, 0], Some("3"));
        check(|w| (w.size, w.cookie) = (Some(3), Some("3".into())), &[3], None);
        check(|w| (w.size, w.offset) = (Some(1), 1), &[1], Some("2"));
        check(|w| w.offset = 9, &[], None);
        check(|w| w.count_only = true, &[], None);
    }
}
