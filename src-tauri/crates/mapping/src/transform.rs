//! Transforms: what happens to a value on its way.

use model::transform::{BuiltIn, TransformConfig};
use serde_json::Value;

use crate::compiled::{CompileError, Compiler, ScriptId};

pub(crate) enum Transform {
    BuiltIn(BuiltIn),
    Script(ScriptId),
}

impl Transform {
    pub(crate) fn compile(
        config: &TransformConfig,
        target: &str,
        compiler: &mut Compiler<'_>,
    ) -> Result<Self, CompileError> {
        Ok(match config {
            TransformConfig::BuiltIn { built_in } => Self::BuiltIn(*built_in),
            TransformConfig::Script(script) => {
                Self::Script(compiler.script(Some(target), "transform", script)?)
            }
        })
    }
}

pub(crate) fn apply_built_in(built_in: BuiltIn, value: &Value) -> Value {
    let change = |text: &str| match built_in {
        BuiltIn::Lower => text.to_lowercase(),
        BuiltIn::Upper => text.to_uppercase(),
        BuiltIn::Trim => text.trim().to_owned(),
    };
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| apply_built_in(built_in, item)).collect())
        }
        other => other.clone(),
    }
}
