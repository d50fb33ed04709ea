//! Scripts and what they run in, as the engine and the mappings use them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::function::Args;
use rquickjs::{Array, Ctx, Function, Persistent, Value as JsValue};
use serde_json::{Map, Value};

use crate::engine::{Engine, Failure, compile};
use crate::form::{self, Form};
use crate::json::{from_js, into_js};
use crate::{Place, ScriptError, absent};

/// What a script may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory of the whole interpreter, which all scripts of one [`Runtime`] share.
    pub memory_bytes: usize,
    /// Time of one call.
    pub time: Duration,
}

impl Default for Limits {
    /// 64 MiB and 250 ms.
    fn default() -> Self {
        Self { memory_bytes: 64 << 20, time: Duration::from_millis(250) }
    }
}

/// A JavaScript interpreter for one thread. Cheap to keep, about a millisecond to make.
pub struct Runtime(Rc<Shared>);

struct Shared {
    limits: Limits,
    engine: RefCell<Rc<Engine>>,
}

impl Shared {
    /// The interpreter to use now: another one if the last call spoilt it.
    fn engine(&self) -> Result<Rc<Engine>, ScriptError> {
        let mut engine = self.engine.borrow_mut();
        if engine.is_spoilt() {
            *engine = Rc::new(Engine::new(self.limits)?);
        }
        Ok(Rc::clone(&engine))
    }
}

impl Runtime {
    /// Starts an interpreter.
    pub fn new(limits: Limits) -> Result<Self, ScriptError> {
        let engine = RefCell::new(Rc::new(Engine::new(limits)?));
        Ok(Self(Rc::new(Shared { limits, engine })))
    }

    /// Prepares a script for many calls. `globals` are those of IDM's script object, visible in every call under their
    /// names; a variable of the call hides a global of the same name. A name that is no JavaScript identifier cannot be
    /// used by any script and is left out.
    ///
    /// The script's value is that of its last expression. A `return` outside of functions is understood too.
    pub fn compile(
        &self,
        place: Place,
        source: &str,
        globals: Map<String, Value>,
    ) -> Result<Script, ScriptError> {
        let engine = self.0.engine()?;
        let result = engine.run(|ctx| {
            let form = form_of(&engine, ctx, source)?;
            let mut usable = Map::new();
            for (name, value) in globals {
                if is_identifier(&name) && engine.parses(ctx, &format!("var {name}"))? {
                    usable.insert(name, value);
                }
            }
            Ok((form, usable))
        });
        match result {
            Ok((form, globals)) => Ok(Script {
                place,
                source: source.to_owned(),
                form,
                globals,
                compiled: RefCell::new(None),
                shared: Rc::clone(&self.0),
            }),
            Err(Failure::Threw { line, message, .. }) => Err(ScriptError::Syntax { place, line, message }),
            Err(failure) => Err(engine.place_failure(failure, &place)),
        }
    }
}

fn form_of(engine: &Engine, ctx: &Ctx<'_>, source: &str) -> Result<Form, Failure> {
    match engine.check(ctx, source) {
        Ok(()) => form::of_script(source, &mut |text| engine.parses(ctx, text)),
        Err(Failure::Threw { message, .. }) if message.contains("return not in a function") => {
            // The `return` must be the one thing wrong with it. Two kinds of function, because a text that closes the
            // one and opens another would not fit into the other.
            engine.check(ctx, &format!("({{f(){{{source}\n}}}})"))?;
            engine.check(ctx, &format!("(()=>{{{source}\n}})"))?;
            Ok(Form::Body)
        }
        Err(failure) => Err(failure),
    }
}

/// A compiled script. Calls are independent of each other.
pub struct Script {
    place: Place,
    source: String,
    form: Form,
    globals: Map<String, Value>,
    compiled: RefCell<Option<Compiled>>,
    shared: Rc<Shared>,
}

/// A function for one list of variables. The field order matters: the function is dropped before its interpreter.
struct Compiled {
    function: Persistent<Function<'static>>,
    names: Vec<String>,
    outputs: Vec<String>,
    engine: Rc<Engine>,
}

impl Script {
    /// Where the script stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Runs the script with `vars` and gives the value of its last expression; `undefined` is null.
    pub fn eval(&self, vars: &[(&str, Value)]) -> Result<Value, ScriptError> {
        self.eval_with_outputs(vars, &[]).map(|(value, _)| value)
    }

    /// As [`Script::eval`], but `undefined` is nothing at all: a script that ends in a statement, such as a declaration, has
    /// said no value, which is not the same as null.
    pub fn answer(&self, vars: &[(&str, Value)]) -> Result<Option<Value>, ScriptError> {
        self.run(vars, &[]).map(|(value, _)| value)
    }

    /// As [`Script::eval`], and gives what the variables named in `outputs` hold at the end: a hook such as `onCreate`
    /// changes `target`. Each of them must be one of `vars`.
    pub fn eval_with_outputs(
        &self,
        vars: &[(&str, Value)],
        outputs: &[&str],
    ) -> Result<(Value, Vec<Value>), ScriptError> {
        self.run(vars, outputs).map(|(value, changed)| (value.unwrap_or_default(), changed))
    }

    fn run(
        &self,
        vars: &[(&str, Value)],
        outputs: &[&str],
    ) -> Result<(Option<Value>, Vec<Value>), ScriptError> {
        let engine = self.shared.engine()?;
        let globals: Vec<_> =
            self.globals.iter().filter(|(name, _)| vars.iter().all(|(var, _)| var != name)).collect();
        let result = engine.run(|ctx| {
            let names =
                vars.iter().map(|(name, _)| *name).chain(globals.iter().map(|(name, _)| name.as_str()));
            let function = self.function(&engine, ctx, names, outputs)?;
            let failure = |error| Failure::of(ctx, error);
            let values = vars.iter().map(|(_, value)| value).chain(globals.iter().map(|(_, value)| *value));
            let mut args = Args::new(ctx.clone(), vars.len() + globals.len() + 2);
            for value in values {
                args.push_arg(into_js(ctx, value).map_err(failure)?).map_err(failure)?;
            }
            let final_values = Array::new(ctx.clone()).map_err(failure)?;
            args.push_arg(final_values.clone()).map_err(failure)?;
            if self.form == Form::Completion {
                args.push_arg(self.source.as_str()).map_err(failure)?;
            }
            let value: JsValue = args.apply(&function).map_err(failure)?;
            let replacer = engine.replacer(ctx)?;
            let value = if value.is_undefined() { None } else { Some(from_js(ctx, value, &replacer)?) };
            let mut changed = Vec::with_capacity(outputs.len());
            for index in 0..outputs.len() {
                let output: JsValue = final_values.get(index).map_err(failure)?;
                changed.push(from_js(ctx, output, &replacer)?);
            }
            Ok((value, changed))
        });
        result.map_err(|mut failure| {
            if let Failure::Threw { message, .. } = &mut failure {
                let variables = vars.iter().map(|(name, _)| *name);
                let visible: Vec<_> =
                    variables.chain(globals.iter().map(|(name, _)| name.as_str())).collect();
                *message = absent::explain(message, &visible).unwrap_or_else(|| std::mem::take(message));
            }
            engine.place_failure(failure, &self.place)
        })
    }

    /// The function for these variables, from the last call if it was for the same ones in the same interpreter.
    fn function<'js, 'n>(
        &self,
        engine: &Rc<Engine>,
        ctx: &Ctx<'js>,
        names: impl Iterator<Item = &'n str> + Clone,
        outputs: &[&str],
    ) -> Result<Function<'js>, Failure> {
        let mut compiled = self.compiled.borrow_mut();
        let function = match &*compiled {
            Some(last)
                if Rc::ptr_eq(&last.engine, engine)
                    && last.names.iter().map(String::as_str).eq(names.clone())
                    && last.outputs == outputs =>
            {
                last.function.clone()
            }
            _ => {
                let names: Vec<_> = names.map(str::to_owned).collect();
                let function = compile(ctx, self.text(&names, outputs))?;
                let function = Persistent::save(ctx, function);
                *compiled = Some(Compiled {
                    function: function.clone(),
                    names,
                    outputs: outputs.iter().map(|name| (*name).to_owned()).collect(),
                    engine: Rc::clone(engine),
                });
                function
            }
        };
        function.restore(ctx).map_err(|error| Failure::of(ctx, error))
    }

    /// The function's text: the variables are its parameters, and the script's first line is its first line.
    ///
    /// An arrow function, because it has neither `arguments` nor a `prototype` to leave something on; in a block, because
    /// a script may declare one of its variables again.
    fn text(&self, names: &[String], outputs: &[&str]) -> String {
        let mut parameters = names.join(",");
        parameters.push_str(if names.is_empty() { "__final" } else { ",__final" });
        let body = match &self.form {
            Form::Value { head, tail } => format!("{head}return({tail}\n);"),
            Form::Body => format!("{}\n", self.source),
            Form::Completion => {
                parameters.push_str(",__script");
                "return eval(__script);".to_owned()
            }
        };
        if outputs.is_empty() {
            return format!("(({parameters})=>{{{{{body}}}}})");
        }
        format!("(({parameters})=>{{try{{{body}}}finally{{__final.push({})}}}})", outputs.join(","))
    }
}

fn is_identifier(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    !name.starts_with(|c: char| c.is_numeric()) && !name.is_empty() && name.chars().all(allowed)
}
