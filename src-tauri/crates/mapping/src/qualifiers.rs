//! Link qualifiers: which accounts a source may have in the target.

use std::{collections::BTreeSet, sync::OnceLock};

use model::mapping_config::LinkQualifiersConfig;
use serde_json::Value;

use crate::compiled::{CompileError, Compiler, DEFAULT_QUALIFIER, Interpreter, Problem, ScriptId};

pub(crate) enum Qualifiers {
    List(Vec<String>),
    Script {
        id: ScriptId,
        /// What it gives when it is asked for all; asked once.
        all: OnceLock<Vec<String>>,
    },
}

impl Qualifiers {
    pub(crate) fn compile(compiler: &mut Compiler<'_>) -> Result<Self, CompileError> {
        let config = compiler.config;
        Ok(match &config.link_qualifiers {
            None => Self::List(vec![DEFAULT_QUALIFIER.to_owned()]),
            Some(LinkQualifiersConfig::List(names)) => Self::List(names.clone()),
            Some(LinkQualifiersConfig::Script(script)) => {
                Self::Script { id: compiler.script(None, "linkQualifiers", script)?, all: OnceLock::new() }
            }
        })
    }

    /// The qualifiers of a source. One that is not among all of them would be looked at by no run: neither would its account
    /// be made, nor would anybody hear of it.
    pub(crate) fn of(
        &self,
        interpreter: &dyn Interpreter,
        mapping: &str,
        source: &Value,
    ) -> Result<Vec<String>, Problem> {
        let id = match self {
            Self::List(names) => return Ok(names.clone()),
            Self::Script { id, .. } => *id,
        };
        let names = ask(interpreter, id, mapping, source, false)?;
        let all = self.all(interpreter, mapping)?;
        match names.iter().find(|name| !all.contains(name)) {
            None => Ok(names),
            Some(name) => Err(format!(
                "the linkQualifiers script gave `{name}` for this record, and not when it was asked for all of them; where \
                 `returnAll` is true, it must give every name that any record may have"
            )
            .into()),
        }
    }

    /// Every qualifier that any source may have.
    pub(crate) fn all(&self, interpreter: &dyn Interpreter, mapping: &str) -> Result<Vec<String>, Problem> {
        let (id, known) = match self {
            Self::List(names) => return Ok(names.clone()),
            Self::Script { id, all } => (*id, all),
        };
        if let Some(all) = known.get() {
            return Ok(all.clone());
        }
        let names = ask(interpreter, id, mapping, &Value::Null, true)?;
        if names.is_empty() {
            return Err("the linkQualifiers script gave an empty list when it was asked for all of them; where `returnAll` is \
                        true, it must give every name that any record may have"
                .to_owned()
                .into());
        }
        Ok(known.get_or_init(|| names).clone())
    }
}

/// What the script gives for a source, or with `all` for any.
fn ask(
    interpreter: &dyn Interpreter,
    id: ScriptId,
    mapping: &str,
    source: &Value,
    all: bool,
) -> Result<Vec<String>, Problem> {
    let (mapping, all, nothing) = (Value::from(mapping), Value::from(all), Value::Null);
    let variables = [("mapping", &mapping), ("object", source), ("oldValue", &nothing), ("returnAll", &all)];
    let result = interpreter.eval(id, &variables)?;
    let names: Option<Vec<String>> =
        result.as_array().and_then(|items| items.iter().map(|i| i.as_str().map(str::to_owned)).collect());
    match names {
        Some(mut names) if names.iter().all(|n| !n.is_empty() && n.chars().count() <= 50) => {
            let mut seen = BTreeSet::new();
            names.retain(|name| seen.insert(name.clone()));
            Ok(names)
        }
        _ => Err(format!(
            "the linkQualifiers script gave {result}; it must give a list of names of at most 50 characters"
        )
        .into()),
    }
}
