//! How a run ended: on stdout for people or programs, and as an exit code.

use api::{
    App,
    dto::{ById, RunDetail, RunMode, RunState, RunSummary},
};
use serde_json::Value;

use crate::{
    exit::{Exit, Failure},
    output::{Output, counted},
};

/// Prints a run: IDM's summary document with `--json`, else its counts in words.
pub async fn print(app: &App, id: &str, output: &Output) -> Result<(), Failure> {
    let document = app.run_document(id).await?;
    let detail = app.run_get(ById { id: id.to_owned() }).await?;
    show(&detail, &document, output)
}

fn show(detail: &RunDetail, document: &Value, output: &Output) -> Result<(), Failure> {
    if output.is_json() { output.document(document) } else { in_words(detail, document, output) }
}

/// Prints a run that ended, and gives its exit code, whoever reads it.
pub async fn tell(app: &App, id: &str, output: &Output) -> Result<(RunDetail, Exit), Failure> {
    let document = app.run_document(id).await?;
    let detail = app.run_get(ById { id: id.to_owned() }).await?;
    let printed = show(&detail, &document, output);
    let exit = exit_of(&detail, output);
    let run = &detail.summary;
    let what = format!("run {} of {} is {}", run.id, run.mapping, state_word(run.state));
    Ok((detail, exit.however_read(printed, &what)?))
}

/// The exit code of a run that ended, and its reason on stderr.
fn exit_of(detail: &RunDetail, output: &Output) -> Exit {
    let run = &detail.summary;
    let exit = match run.state {
        RunState::Held => Exit::Held,
        // One that is still marked as under way ended without a word.
        RunState::Active
        | RunState::Canceled
        | RunState::Failed
        | RunState::Interrupted
        | RunState::Paused => Exit::Error,
        RunState::Success | RunState::Planned if run.failed > 0 => Exit::SomeFailed,
        RunState::Success | RunState::Planned => Exit::Done,
    };
    // A run that went well may still have found something out.
    if matches!(exit, Exit::Done | Exit::SomeFailed)
        && let Some(words) = &run.message
    {
        output.hint(&format!("concord: {words}"));
    }
    match exit {
        Exit::SomeFailed => output.hint(&format!(
            "concord: {} failed; `concord run entries {} --failed` says why",
            counted(run.failed, "record"),
            run.id
        )),
        Exit::Held | Exit::Error => {
            let goes_on = match run.state {
                RunState::Paused => format!(
                    ", by itself where the window or `concord serve` is open, else with `concord run apply {}`",
                    run.id
                ),
                _ => String::new(),
            };
            let why = run.message.as_deref().unwrap_or(&run.stage_description);
            output.hint(&format!("concord: {why}{goes_on}"));
        }
        _ => {}
    }
    if exit == Exit::Held {
        let release = match detail.guards.iter().all(|guard| !guard.holds || guard.releasable) {
            true => format!("release it with `concord run apply {} --allow deletes=N`, or ", run.id),
            false => String::new(),
        };
        output.hint(&format!(
            "Look at it with `concord run entries {id}`; {release}discard it with `concord run cancel {id}`.",
            id = run.id
        ));
    }
    exit
}

/// The word for a run's state.
pub fn state_word(state: RunState) -> &'static str {
    match state {
        RunState::Active => "under way",
        RunState::Success => "finished",
        RunState::Planned => "planned",
        RunState::Held => "held",
        RunState::Canceled => "canceled",
        RunState::Failed => "failed",
        RunState::Interrupted => "interrupted",
        RunState::Paused => "resting",
    }
}

/// What a run is for, in a word or two. One that takes back another is that, however it was begun.
pub fn purpose(run: &RunSummary) -> &'static str {
    match (run.mode, &run.undoes) {
        (RunMode::Preview, Some(_)) => "undo preview",
        (RunMode::Reconcile | RunMode::Apply, Some(_)) => "undo",
        (RunMode::Preview, None) => "preview",
        (RunMode::Reconcile, None) => "reconcile",
        (RunMode::Apply, None) => "apply",
    }
}

/// Milliseconds as people say them.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

fn in_words(detail: &RunDetail, document: &Value, output: &Output) -> Result<(), Failure> {
    let run = &detail.summary;
    let undone = run.undoes.as_ref().map(|undone| format!(", takes back run {undone}")).unwrap_or_default();
    output.line(format!(
        "{} of {}: {} in {} with {} (run {}{undone})",
        purpose(run),
        run.mapping,
        state_word(run.state),
        duration(run.duration_ms),
        counted(run.calls, "call"),
        run.id
    ))?;
    let rows: Vec<[String; 3]> =
        detail.situations.iter().map(|c| [c.name.clone(), c.count.to_string(), c.meaning.clone()]).collect();
    output.table(["SITUATION", "COUNT", "MEANING"], &rows, "")?;
    output.line(counts(run, document))?;
    for guard in detail.guards.iter().filter(|g| g.holds) {
        output.line(match guard.name.as_str() {
            "otherAccount" => format!("guard {}: {}, linked in {}", guard.name, guard.planned, guard.limit),
            name => format!("guard {name}: {} planned, limit {}", guard.planned, guard.limit),
        })?;
    }
    let causes: Vec<[String; 2]> =
        detail.causes.iter().map(|c| [c.count.to_string(), c.reason.clone()]).collect();
    output.table(["FAILED", "BECAUSE"], &causes, "")?;
    if run.needs_you > 0 {
        output.line(format!("waiting for a decision of yours: {}", counted(run.needs_you, "record")))?;
    }
    match run.state {
        RunState::Planned if run.changes == 0 => output.line("nothing to change"),
        RunState::Planned => output.line(format!(
            "nothing was written; `concord run apply {}` carries out {}",
            run.id,
            counted(run.changes, "change")
        )),
        _ => Ok(()),
    }
}

/// What was done, or in a preview what would be.
fn counts(run: &RunSummary, document: &Value) -> String {
    let number = |path: &str| document.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let failed = run.failed;
    if matches!(run.state, RunState::Planned | RunState::Held) {
        let planned = |name: &str| number(&format!("/concord/planned/{name}"));
        return format!(
            "to create {}, to update {}, to link {}, to unlink {}, to delete {}; failed {failed}",
            planned("create"),
            planned("update"),
            planned("link"),
            planned("unlink"),
            planned("delete"),
        );
    }
    let target = |name: &str| number(&format!("/progress/target/{name}"));
    let stale = match number("/concord/stale") {
        0 => String::new(),
        n => format!(", left out {n} because of what changed meanwhile"),
    };
    format!(
        "created {}, updated {}, deleted {}, unchanged {}; failed {failed}{stale}",
        target("created"),
        target("updated"),
        target("deleted"),
        target("unchanged")
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_are_said_as_people_say_them() {
        for (ms, said) in [(0, "0 ms"), (999, "999 ms"), (1_250, "1.2 s"), (61_500, "1 min 1 s")] {
            assert_eq!(super::duration(ms), said);
        }
    }
}
