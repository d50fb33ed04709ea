//! Lists without an end in sight, written page by page so that memory stays flat.

use async_stream::try_stream;
use axum::http::StatusCode;
use futures::{StreamExt as _, future::BoxFuture};
use serde_json::Value;

use super::{
    list::Part,
    operation::{Answer, Content},
};
use crate::problem::Problem;

/// CREST's document about a whole list, of which the first part is there and the others are fetched by their cookies.
pub(crate) fn whole_list(
    first: Part,
    next: impl Fn(String) -> BoxFuture<'static, Result<Part, Problem>> + Send + 'static,
) -> Answer {
    let pieces = try_stream! {
        let (mut part, mut count) = (first, 0_usize);
        yield String::from("{\"result\":[");
        loop {
            for row in &part.result {
                let comma = if count > 0 { "," } else { "" };
                count += 1;
                yield format!("{comma}{row}");
            }
            match part.cookie.take() {
                Some(cookie) => part = next(cookie).await?,
                None => break,
            }
        }
        yield format!(
            "],\"resultCount\":{count},\"pagedResultsCookie\":{},\"totalPagedResultsPolicy\":\"NONE\",\
             \"totalPagedResults\":-1,\"remainingPagedResults\":-1}}",
            Value::Null
        );
    };
    // Small pieces make small packets.
    let pieces =
        pieces.ready_chunks(256).map(|pieces| pieces.into_iter().collect::<Result<String, Problem>>());
    Answer {
        status: StatusCode::OK,
        content: Content::Pieces(pieces.boxed()),
        revision: None,
        location: None,
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, StreamExt as _};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn parts_become_one_document() {
        let part = |n: i64, cookie: Option<&str>| Part {
            result: vec![json!({"n": n}), json!({"n": n + 1})],
            cookie: cookie.map(str::to_owned),
            total: None,
        };
        let answer = whole_list(part(1, Some("3")), move |cookie| {
            async move {
                match cookie.as_str() {
                    "3" => Ok(part(3, Some("5"))),
                    "5" => Ok(Part { result: Vec::new(), cookie: None, total: None }),
                    _ => Err(Problem::bad_request("no such cookie")),
                }
            }
            .boxed()
        });
        let Content::Pieces(pieces) = answer.content else { panic!("pieces") };
        let text: Vec<String> = pieces.map(Result::unwrap).collect().await;
        let document: Value = serde_json::from_str(&text.concat()).unwrap();
        assert_eq!(document["result"], json!([{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]));
        assert_eq!(document["resultCount"], 4);
    }
}
