//! Live records of an object type, page by page, for looking at.

use connector::Search;
use futures::StreamExt as _;
use serde_json::Value;

use crate::{
    ApiError, App,
    dto::{RecordPage, RecordRow, RecordsRequest},
    mapping_lab::{known, names_among, some_starts, starts_filter},
    remote_data::{cursor, position},
};

/// Records in a page when nobody says how many.
const PAGE: u32 = 50;
/// Records in a page at most.
const LARGEST_PAGE: u32 = 200;
/// Pages of the provider that one page here reads at most, however few of their records fit.
const MOST_READ: usize = 5;

impl App {
    /// A page of live records; a search is answered by what values begin with.
    pub async fn connector_records(&self, request: RecordsRequest) -> Result<RecordPage, ApiError> {
        let row = self.connector_row(&request.name).await?;
        let limit = request.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE) as usize;
        let words: Vec<String> =
            request.search.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        let remote = self.pool.any(&row.config).await?;
        let mut attributes = request.attributes;
        let filter = match words.first() {
            None => None,
            Some(word) => {
                let schema = self.known_or_read_schema(&row, &request.object_type).await?;
                let searched = names_among(&known(&schema));
                attributes.extend(searched.iter().cloned());
                starts_filter(word, &searched)
            }
        };
        attributes.sort();
        attributes.dedup();
        let (mut skip, mut here) = position(request.after.as_deref())?;
        let mut pages = remote.search(Search {
            object_type: request.object_type,
            filter,
            attributes,
            after: here.clone(),
        });
        let mut records = Vec::new();
        let mut read = 0;
        while let Some(page) = pages.next().await {
            let page = page?;
            read += 1;
            for (at, object) in page.objects.into_iter().enumerate().skip(skip) {
                if records.len() == limit {
                    return Ok(RecordPage { records, next: Some(cursor(at, here.as_deref())) });
                }
                if words.iter().all(|word| some_starts(&object.attributes, word)) {
                    records.push(RecordRow { id: object.uid, attributes: Value::Object(object.attributes) });
                }
            }
            skip = 0;
            here = page.next;
            let Some(next) = here.as_deref() else { break };
            if records.len() == limit || read == MOST_READ {
                return Ok(RecordPage { records, next: Some(cursor(0, Some(next))) });
            }
        }
        Ok(RecordPage { records, next: None })
    }
}
