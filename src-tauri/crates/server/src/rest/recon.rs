//! `recon`: runs started, watched, canceled, and looked at record by record.

use api::dto::{ById, RunMode, RunStart};
use futures::FutureExt as _;
use model::Attributes;
use serde_json::{Value, json};

use super::{
    list::{self, Part, Wanted},
    operation::{Answer, Call, LIST, Operation, needed, switch, text},
};
use crate::problem::Problem;

pub(crate) fn operations() -> Vec<Operation> {
    let start = [
        needed("mapping", "The mapping's name"),
        switch("waitForCompletion", "Answers when the run has ended"),
        switch("analyze", "Plans only: nothing is written"),
        switch("persistAssociations", "Accepted; the entries of a run are always kept"),
    ];
    vec![
        Operation::new("GET", "/openidm/recon", "Lists the latest runs", "Reconciliations", |c| {
            runs(c).boxed()
        }),
        Operation::new("POST", "/openidm/recon", "Reconciles a mapping", "RunStarted", |c| recon(c).boxed())
            .action("recon")
            .takes(&start)
            .optional_body("RunOverrides"),
        Operation::new("POST", "/openidm/recon", "Reconciles single records", "RunStarted", |c| {
            by_id(c).boxed()
        })
        .action("reconById")
        .takes(&start)
        .takes(&[
            text("ids", "The source ids, separated by commas"),
            text("id", "One source id, as it stands"),
        ])
        .optional_body("RunOverrides"),
        Operation::new("GET", "/openidm/recon/{id}", "Shows a run", "RunSummary", |c| run(c).boxed()),
        Operation::new("POST", "/openidm/recon/{id}", "Ends a run", "RunCanceled", |c| cancel(c).boxed())
            .action("cancel"),
        Operation::new("DELETE", "/openidm/recon/{id}", "Drops a run with its entries", "RunSummary", |c| {
            remove(c).boxed()
        }),
        Operation::new("GET", "/openidm/recon/assoc", "Lists runs with what they associated", "List", |c| {
            assoc_runs(c).boxed()
        })
        .takes(&LIST),
        Operation::new("GET", "/openidm/recon/assoc/{id}", "Shows what a run associated", "AssocRun", |c| {
            assoc_run(c).boxed()
        }),
        Operation::new("GET", "/openidm/recon/assoc/{id}/entry", "Lists a run's records", "List", |c| {
            entries(c).boxed()
        })
        .takes(&LIST),
    ]
}

async fn runs(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    let summaries = call.app().recon_summaries().await?;
    let summaries: Vec<Value> = summaries.into_iter().map(|summary| fields.of(summary)).collect();
    Ok(Answer::ok(json!({"reconciliations": summaries})))
}

async fn recon(call: Call) -> Result<Answer, Problem> {
    start(call, Vec::new()).await
}

async fn by_id(call: Call) -> Result<Answer, Problem> {
    let several = call.text("ids").into_iter().flat_map(|ids| ids.split(',')).map(str::trim);
    // An id may have a comma in it.
    let ids: Vec<String> =
        several.chain(call.text("id")).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    if ids.is_empty() {
        return Err(Problem::bad_request(
            "name the source record with id=ID, or several with ids=ID,ID, separated by commas",
        ));
    }
    start(call, ids).await
}

async fn start(call: Call, ids: Vec<String>) -> Result<Answer, Problem> {
    // What the body holds is changed of the mapping, for this run only.
    let overrides = if call.body.is_some() { call.object()? } else { Attributes::new() };
    let mode = if call.switch("analyze") { RunMode::Preview } else { RunMode::Reconcile };
    let request = RunStart {
        mapping: call.needed("mapping")?.to_owned(),
        mode,
        ids,
        allow_deletes: None,
        incremental: false,
    };
    let app = call.app();
    let mut run = app.run_start_with(request, overrides).await?;
    if call.switch("waitForCompletion") {
        run = app.run_wait(&run.id, |_| ()).await?;
    }
    let document = app.run_document(&run.id).await?;
    Ok(Answer::ok(json!({"_id": run.id, "state": document.get("state")})))
}

async fn run(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(call.app().run_document(call.part("id")).await?).only(&fields))
}

async fn cancel(call: Call) -> Result<Answer, Problem> {
    let run = call.app().run_cancel(ById { id: call.part("id").to_owned() }).await?;
    Ok(Answer::ok(json!({"_id": run.id, "action": "cancel", "status": "SUCCESS"})))
}

async fn remove(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(call.app().recon_remove(call.part("id")).await?))
}

async fn assoc_runs(call: Call) -> Result<Answer, Problem> {
    list::part_of(call.app().assoc_runs().await?, &Wanted::read_or_all(&call)?)
}

async fn assoc_run(call: Call) -> Result<Answer, Problem> {
    let fields = call.fields();
    Ok(Answer::ok(call.app().assoc_run(call.part("id")).await?).only(&fields))
}

async fn entries(call: Call) -> Result<Answer, Problem> {
    let wanted = Wanted::read_or_all(&call)?;
    let (app, id) = (call.app(), call.part("id"));
    if !wanted.sort.is_empty() || wanted.offset > 0 || wanted.count_only || wanted.count {
        // These need the whole list, which is as long as the run has records that are not in sync.
        let all = app.assoc_entries(id, &wanted.filter, 0, usize::MAX).await?;
        return list::part_of(all.entries, &wanted);
    }
    let after = match &wanted.cookie {
        Some(cookie) => cookie.parse().map_err(|_| list::unknown_cookie())?,
        None => 0,
    };
    let page = app.assoc_entries(id, &wanted.filter, after, wanted.size.unwrap_or(usize::MAX)).await?;
    Ok(wanted.answer(Part {
        result: page.entries.into_iter().map(|entry| wanted.fields.of(entry)).collect(),
        cookie: page.next.map(|next| next.to_string()),
        total: None,
    }))
}
