//! What happens to a value on its way: a built-in transform or a script.

use serde::{Deserialize, Serialize};

use crate::mapping_config::ScriptConfig;

/// A mapping's transform of one value: a script, or one of the built-in ones (`{"builtIn": "lower"}`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TransformConfig {
    /// A transform that never enters the interpreter.
    BuiltIn {
        /// `lower`, `upper`, `trim`.
        #[serde(rename = "builtIn")]
        built_in: BuiltIn,
    },
    /// A script with the variable `source`.
    Script(ScriptConfig),
}

/// The built-in transforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BuiltIn {
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Without blanks at both ends.
    Trim,
}
