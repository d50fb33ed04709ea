//! One QuickJS interpreter with its limits, and what went wrong in it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{Coerced, Context, Ctx, Exception, Function, Object, Persistent, Value as JsValue};

use crate::{Limits, Place, ScriptError};

const PRELUDE: &str = include_str!("prelude.js");
/// What the engine calls a script's text in the stack of an error.
const SCRIPT_NAME: &str = "script";
/// QuickJS checks its own stack against this; it must fit into the smallest thread that runs scripts (2 MiB).
const STACK_BYTES: usize = 512 * 1024;
/// The longest value that a call may give, as text. No provider takes attributes of such length.
pub(crate) const LONGEST_RESULT: usize = 4 << 20;
/// Characters of a thrown message that an error repeats; it may hold a whole record.
const LONGEST_MESSAGE: usize = 500;

/// Promises are here because without them `async` would crash instead of being refused; typed arrays, weak references and
/// clocks of high resolution are not, as no mapping needs them.
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::Promise,
);

/// An interpreter. Everything saved from it must be dropped before it, so holders keep it in an [`Rc`] after what they saved.
pub(crate) struct Engine {
    check: Persistent<Function<'static>>,
    sweep: Persistent<Function<'static>>,
    replacer: Persistent<Function<'static>>,
    context: Context,
    runtime: rquickjs::Runtime,
    limits: Limits,
    deadline: Rc<Cell<Option<Instant>>>,
    timed_out: Rc<Cell<bool>>,
    spoilt: Cell<bool>,
}

impl Engine {
    pub(crate) fn new(limits: Limits) -> Result<Self, ScriptError> {
        let start = |error: rquickjs::Error| ScriptError::Start { message: error.to_string() };
        let runtime = rquickjs::Runtime::new().map_err(start)?;
        runtime.set_memory_limit(limits.memory_bytes);
        runtime.set_max_stack_size(STACK_BYTES);
        let deadline = Rc::new(Cell::new(None));
        let timed_out = Rc::new(Cell::new(false));
        runtime.set_interrupt_handler(Some(Box::new({
            let (deadline, timed_out) = (Rc::clone(&deadline), Rc::clone(&timed_out));
            move || {
                let over = deadline.get().is_some_and(|deadline| now() >= deadline);
                timed_out.set(timed_out.get() || over);
                over
            }
        })));
        let context = Context::custom::<Language>(&runtime).map_err(start)?;
        let [check, sweep, replacer] = context
            .with(|ctx| {
                let host: Object = ctx
                    .eval_with_options(PRELUDE, options("prelude"))
                    .map_err(|error| Failure::of(&ctx, error))?;
                let save = |name| -> Result<_, Failure> {
                    let function: Function = host.get(name).map_err(|error| Failure::of(&ctx, error))?;
                    Ok(Persistent::save(&ctx, function))
                };
                Ok([save("check")?, save("sweep")?, save("replacer")?])
            })
            .map_err(|failure: Failure| ScriptError::Start {
                message: match failure {
                    Failure::Threw { message, .. } => message,
                    _ => format!("{} bytes of memory are too few", limits.memory_bytes),
                },
            })?;
        let spoilt = Cell::new(false);
        Ok(Self { check, sweep, replacer, context, runtime, limits, deadline, timed_out, spoilt })
    }

    /// Whether a call may have left something behind that could not be removed; then another interpreter must be used.
    pub(crate) fn is_spoilt(&self) -> bool {
        self.spoilt.get()
    }

    /// Runs `work` within the limits and cleans up after it.
    pub(crate) fn run<T>(&self, work: impl FnOnce(&Ctx<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.timed_out.set(false);
        self.deadline.set(now().checked_add(self.limits.time));
        let result = self.context.with(|ctx| {
            let result = work(&ctx);
            // Whatever was thrown is described in `result` by now; the next call must not find it.
            ctx.catch();
            result
        });
        let result = match result {
            Err(Failure::Threw { line, .. }) if self.timed_out.get() => Err(Failure::TimedOut { line }),
            _ if self.timed_out.get() => Err(Failure::TimedOut { line: None }),
            result => result,
        };
        let clean = self.context.with(|ctx| {
            let clean = self.sweep.clone().restore(&ctx).and_then(|sweep| sweep.call::<_, bool>(()));
            ctx.catch();
            clean.unwrap_or(false)
        });
        self.deadline.set(None);
        let exhausted = matches!(result, Err(Failure::TimedOut { .. } | Failure::OutOfMemory { .. }));
        if exhausted || !clean || self.timed_out.get() || self.runtime.is_job_pending() {
            self.spoilt.set(true);
        }
        result
    }

    pub(crate) fn replacer<'js>(&self, ctx: &Ctx<'js>) -> Result<Function<'js>, Failure> {
        self.replacer.clone().restore(ctx).map_err(|error| Failure::of(ctx, error))
    }

    /// Whether `text` is a script; it is not run. The error tells why not.
    pub(crate) fn check(&self, ctx: &Ctx<'_>, text: &str) -> Result<(), Failure> {
        let check = self.check.clone().restore(ctx).map_err(|error| Failure::of(ctx, error))?;
        check.call::<_, ()>((text,)).map_err(|error| Failure::of(ctx, error))
    }

    /// Whether `text` is a script, as a yes or no.
    pub(crate) fn parses(&self, ctx: &Ctx<'_>, text: &str) -> Result<bool, Failure> {
        match self.check(ctx, text) {
            Ok(()) => Ok(true),
            Err(Failure::Threw { syntax: true, .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    pub(crate) fn place_failure(&self, failure: Failure, place: &Place) -> ScriptError {
        let place = place.clone();
        match failure {
            Failure::Threw { line, message, .. } => ScriptError::Threw { place, line, message },
            Failure::TimedOut { line } => {
                ScriptError::TimedOut { place, line, limit_ms: self.limits.time.as_millis() }
            }
            Failure::OutOfMemory { line } => {
                ScriptError::OutOfMemory { place, line, limit_bytes: self.limits.memory_bytes }
            }
            Failure::TooLong(bytes) => ScriptError::TooLong { place, bytes, limit_bytes: LONGEST_RESULT },
            Failure::NotJson(what) => ScriptError::NotJson { place, what },
        }
    }
}

/// The function that `text` is an expression of. Not strict, because IDM's scripts are not.
pub(crate) fn compile<'js>(ctx: &Ctx<'js>, text: String) -> Result<Function<'js>, Failure> {
    ctx.eval_with_options(text, options(SCRIPT_NAME)).map_err(|error| Failure::of(ctx, error))
}

fn options(file: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(file.to_owned());
    options
}

#[allow(
    clippy::disallowed_methods,
    reason = "a time limit on running code can only be measured on the real clock"
)]
fn now() -> Instant {
    Instant::now()
}

/// What went wrong inside the interpreter, before it is known whose script it was.
#[derive(Debug)]
pub(crate) enum Failure {
    Threw { line: Option<u32>, message: String, syntax: bool },
    TimedOut { line: Option<u32> },
    OutOfMemory { line: Option<u32> },
    TooLong(usize),
    NotJson(String),
}

impl Failure {
    /// Takes the thrown value out of the interpreter. A time-out is told apart by [`Engine::run`].
    pub(crate) fn of(ctx: &Ctx<'_>, error: rquickjs::Error) -> Self {
        match error {
            rquickjs::Error::Exception => Self::thrown(ctx, ctx.catch()).cut(),
            rquickjs::Error::Allocation => Self::OutOfMemory { line: None },
            other => Self::Threw { line: None, message: other.to_string(), syntax: false },
        }
    }

    fn cut(mut self) -> Self {
        if let Self::Threw { message, .. } | Self::NotJson(message) = &mut self
            && let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE)
        {
            message.truncate(end);
            message.push('…');
        }
        self
    }

    fn thrown<'js>(ctx: &Ctx<'js>, value: JsValue<'js>) -> Self {
        // The engine throws null when there is no memory left for an error; a script has no reason to.
        if value.is_null() {
            return Self::OutOfMemory { line: None };
        }
        let text = |object: &Object<'js>, key: &str| {
            object.get::<_, Option<Coerced<String>>>(key).ok().flatten().map(|text| text.0)
        };
        let Some(object) = value.as_object() else {
            let message = value.get::<Coerced<String>>().map_or_else(|_| "a symbol".into(), |text| text.0);
            return Self::Threw { line: None, message, syntax: false };
        };
        if let Some(what) = text(object, "notJson") {
            return Self::NotJson(what);
        }
        let message = text(object, "message").unwrap_or_default();
        if Exception::from_object(object.clone()).is_none() {
            // IDM's scripts throw objects such as {code, message, detail}.
            let json =
                || ctx.json_stringify(value.clone()).ok().flatten().and_then(|json| json.to_string().ok());
            let message =
                if message.is_empty() { json().unwrap_or_else(|| "an object".into()) } else { message };
            return Self::Threw { line: None, message, syntax: false };
        }
        let name = text(object, "name").unwrap_or_else(|| "Error".into());
        let line = text(object, "stack").and_then(|stack| line_in(&stack));
        if name == "InternalError" && message == "out of memory" {
            return Self::OutOfMemory { line };
        }
        let syntax = name == "SyntaxError";
        Self::Threw { line, message: format!("{name}: {message}"), syntax }
    }
}

/// The line of the innermost frame that is the script's own.
fn line_in(stack: &str) -> Option<u32> {
    stack.lines().find_map(|frame| {
        let (_, position) =
            ["(script:", "at script:", "<input>:"].iter().find_map(|name| frame.split_once(name))?;
        position.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    })
}
