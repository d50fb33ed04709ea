//! Lists of managed objects as tables for spreadsheets.

use model::Filter;
use serde_json::Value;
use store::ManagedQuery;

use super::{BYTE_ORDER_MARK, PAGE};
use crate::{
    ApiError, App, ErrorCode, csv,
    dto::{AuditTopic, ExportFormat, Exported, ObjectsExport},
    mapping_lab::shown,
};

impl App {
    /// Writes the objects that a list shows, or those of them that are named, into a file, in the list's order.
    pub async fn objects_export(&self, request: ObjectsExport) -> Result<Exported, ApiError> {
        let config = self.managed_config(&request.kind).await?;
        for column in &request.columns {
            if config.is_private(column) || !config.schema.properties.contains_key(column) {
                return Err(ApiError::new(
                    ErrorCode::Invalid,
                    format!("{} objects have no attribute `{column}` that could be exported", request.kind),
                ));
            }
        }
        let filter = request
            .filter
            .as_deref()
            .filter(|f| !f.trim().is_empty())
            .map(Filter::parse)
            .transpose()
            .map_err(|e| ApiError::new(ErrorCode::Invalid, e.to_string()))?;
        let sort = request.sort.as_deref().filter(|s| !s.is_empty());
        let mut query = ManagedQuery {
            filter,
            search: request.search.clone(),
            sort: sort.map(|s| s.trim_start_matches('-').to_owned()),
            descending: sort.is_some_and(|s| s.starts_with('-')),
            after: None,
            limit: PAGE,
        };
        let day: String = self.at().chars().take(10).collect();
        let mut file = self.new_file(&format!("concord-{}-{day}", request.kind), ExportFormat::Csv).await?;
        file.attempt(|out| std::io::Write::write_all(out, BYTE_ORDER_MARK.as_bytes()));
        let titles = ["_id"].into_iter().chain(request.columns.iter().map(String::as_str));
        file.attempt(|out| csv::write_row(out, titles));
        let mut rows = 0;
        let mut named = request.ids.into_iter();
        let written = loop {
            let (kind, asked) = (config.clone(), query.clone());
            let ids: Vec<String> = named.by_ref().take(PAGE).collect();
            let chosen = request.only_ids;
            let read = self.store.read(move |r| {
                if !chosen {
                    return r.managed_page(&kind, &asked);
                }
                let found = ids.iter().map(|id| r.managed(&kind.name, id));
                let rows = found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
                Ok(store::Page { rows, next: None })
            });
            let page = match read.await {
                Ok(page) => page,
                Err(error) => break Err(error.into()),
            };
            for object in page.rows {
                let attributes = shown(&config, object.attributes);
                let cells: Vec<String> = [object.id]
                    .into_iter()
                    .chain(request.columns.iter().map(|name| cell(attributes.get(name))))
                    .collect();
                file.attempt(|out| csv::write_row(out, cells.iter().map(String::as_str)));
                rows += 1;
            }
            let more = if chosen { named.len() > 0 } else { page.next.is_some() };
            query.after = page.next;
            if !more || !file.is_sound() {
                break Ok(());
            }
        };
        let path = file.end(written)?;
        self.audit(AuditTopic::Object, &request.kind, &format!("{rows} objects exported to {path}")).await?;
        Ok(Exported { path, rows })
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
