//! What only a person can decide, links by hand, and the audit.

use engine::{Answer, Newer};
use serde_json::Value;
use store::{AuditRow, InboxRow};

use crate::{
    ApiError, App, ErrorCode, PerformRequest,
    dto::{
        AuditEntry, AuditPage, AuditRequest, AuditTopic, InboxAnswer, InboxChoice, InboxPage, InboxQuestion,
        InboxRequest, LinkChange, Said,
    },
};

/// Rows in a page when nobody says how many.
const PAGE: usize = 100;
/// Rows in a page at most.
const LARGEST_PAGE: u32 = 1000;

impl App {
    /// Open questions, oldest first.
    pub async fn inbox_list(&self, request: InboxRequest) -> Result<InboxPage, ApiError> {
        let after = number(request.after.as_deref().unwrap_or("0"), "page")?;
        let limit = size(request.limit);
        let (page, total) = self
            .store
            .read(move |r| Ok((r.inbox(request.mapping.as_deref(), after, limit)?, r.inbox_count()?)))
            .await?;
        Ok(InboxPage { questions: page.rows.into_iter().map(question).collect(), next: page.next, total })
    }

    /// Answers a question: a record to link, a record of its own, whose value stays, what becomes of a record whose source is
    /// gone, or put away for now.
    pub async fn inbox_answer(&self, request: InboxAnswer) -> Result<Said, ApiError> {
        let id = number(&request.id, "question")?;
        let answer = match request.choice {
            InboxChoice::Link => Answer::Link(request.target.ok_or_else(|| {
                ApiError::new(ErrorCode::Invalid, "name the record that the source belongs to")
            })?),
            InboxChoice::Create => Answer::Create,
            InboxChoice::Delete => Answer::Delete,
            InboxChoice::Unlink => Answer::Unlink,
            InboxChoice::Source => Answer::Keep(Newer::Source, request.attribute),
            InboxChoice::Target => Answer::Keep(Newer::Target, request.attribute),
            InboxChoice::Dismiss => Answer::Dismiss,
        };
        let asked = self.store.read(move |r| r.inbox_row(id)).await?;
        let message = self.engine.answer(id, answer, &self.who()).await?;
        let about = asked.map_or(request.id, |row| row.question.title);
        self.audit(AuditTopic::Inbox, &about, &message).await?;
        self.wake_worker();
        Ok(Said { message })
    }

    /// Links a source record to a target record by hand.
    pub async fn link_set(&self, request: LinkChange) -> Result<Said, ApiError> {
        self.link_change(request, "LINK").await
    }

    /// Removes a link by hand; both records stay.
    pub async fn link_remove(&self, request: LinkChange) -> Result<Said, ApiError> {
        self.link_change(request, "UNLINK").await
    }

    async fn link_change(&self, request: LinkChange, action: &str) -> Result<Said, ApiError> {
        let performed = self
            .perform(PerformRequest {
                mapping: request.mapping,
                action: action.into(),
                source_id: request.source,
                target_id: request.target,
                situation: None,
                link_qualifier: request.link_qualifier,
            })
            .await?;
        Ok(Said { message: performed.message })
    }

    /// The audit, newest first.
    pub async fn audit_list(&self, request: AuditRequest) -> Result<AuditPage, ApiError> {
        let before = request.after.as_deref().map(|text| number(text, "page")).transpose()?;
        let limit = size(request.limit);
        let page = self
            .store
            .read(move |r| r.audit_page(request.topic.as_deref(), request.search.as_deref(), before, limit))
            .await?;
        Ok(AuditPage { rows: page.rows.into_iter().map(audit_entry).collect(), next: page.next })
    }
}

fn size(limit: Option<u32>) -> usize {
    limit.map_or(PAGE, |n| n.clamp(1, LARGEST_PAGE) as usize)
}

fn number(text: &str, what: &str) -> Result<i64, ApiError> {
    text.parse()
        .map_err(|_| ApiError::new(ErrorCode::Invalid, format!("`{text}` is no {what} of a list here")))
}

fn question(row: InboxRow) -> InboxQuestion {
    let asked = row.question;
    let targets = asked
        .detail
        .get("targets")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    InboxQuestion {
        id: row.seq.to_string(),
        mapping: asked.mapping,
        link_qualifier: asked.qualifier,
        kind: asked.kind.as_str().into(),
        title: asked.title,
        source: asked.source_id,
        target: asked.target_id,
        targets,
        detail: asked.detail,
        reason: asked.reason,
        created: row.created,
        updated: row.updated,
    }
}

fn audit_entry((seq, row): (i64, AuditRow)) -> AuditEntry {
    AuditEntry {
        id: seq.to_string(),
        at: row.at,
        who: row.who,
        topic: row.topic,
        object: row.object,
        detail: row.detail,
    }
}
