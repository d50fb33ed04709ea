//! Link qualifiers: which accounts a source may have in the target.

use model::mapping_config::LinkQualifiersConfig;
use serde_json::Value;

use crate::compiled::{CompileError, Compiler, DEFAULT_QUALIFIER, Interpreter, Problem, ScriptId};

pub(crate) enum Qualifiers {
    List(Vec<String>),
    Script(ScriptId),
}

impl Qualifiers {
    pub(crate) fn compile(compiler: &mut Compiler<'_>) -> Result<Self, CompileError> {
        let config = compiler.config;
        Ok(match &config.link_qualifiers {
            None => Self::List(vec![DEFAULT_QUALIFIER.to_owned()]),
            Some(LinkQualifiersConfig::List(names)) => Self::List(names.clone()),
            Some(LinkQualifiersConfig::Script(script)) => {
                Self::Script(compiler.script(None, "linkQualifiers", script)?)
            }
        })
    }

    /// The qualifiers of a source; with `all`, every one that any source may have.
    pub(crate) fn of(
        &self,
        interpreter: &dyn Interpreter,
        mapping: &str,
        source: &Value,
        all: bool,
    ) -> Result<Vec<String>, Problem> {
        let id = match self {
            Self::List(names) => return Ok(names.clone()),
            Self::Script(id) => *id,
        };
        let (mapping, all, nothing) = (Value::from(mapping), Value::from(all), Value::Null);
        let variables =
            [("mapping", &mapping), ("object", source), ("oldValue", &nothing), ("returnAll", &all)];
        let result = interpreter.eval(id, &variables)?;
        let names: Option<Vec<String>> =
            result.as_array().and_then(|items| items.iter().map(|i| i.as_str().map(str::to_owned)).collect());
        match names {
            Some(mut names) if names.iter().all(|n| !n.is_empty() && n.chars().count() <= 50) => {
                let mut seen = std::collections::BTreeSet::new();
                names.retain(|name| seen.insert(name.clone()));
                Ok(names)
            }
            _ => Err(format!(
                "the linkQualifiers script gave {result}; it must give a list of names of at most 50 characters"
            )
            .into()),
        }
    }
}
