//! A mapping made ready to run: pointers and filters parsed, scripts compiled, once.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Action, Attributes, Filter, MappingConfig, Pointer, Situation,
    mapping_config::{
        ActionConfig, ConditionConfig, ConflictRule, MappingConfigError, QueryConfig, ScriptConfig,
    },
};
use serde_json::Value;

use crate::{
    canonical::{self, Sameness},
    conflict::Sides,
    correlation::Rule,
    decision::{Decided, Decision},
    hooks::Hook,
    properties::Property,
    qualifiers::Qualifiers,
};

/// A compiled script's number in its interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptId(pub usize);

/// Where a script stands, for error texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The mapping.
    pub mapping: String,
    /// The target attribute of the property, where the script belongs to one.
    pub property: Option<String>,
    /// `transform`, `condition`, `validSource`, ...
    pub hook: &'static str,
}

/// Runs scripts for a mapping. Errors are sentences for people.
pub trait Interpreter {
    /// Compiles a script.
    fn compile(&mut self, place: Place, script: &ScriptConfig) -> Result<ScriptId, String>;

    /// Evaluates it with these variables; nothing when it ends without a value, which is not the same as null.
    fn answer(&self, script: ScriptId, variables: &[(&str, &Value)]) -> Result<Option<Value>, String>;

    /// Evaluates it with these variables; no value is null.
    fn eval(&self, script: ScriptId, variables: &[(&str, &Value)]) -> Result<Value, String> {
        Ok(self.answer(script, variables)?.unwrap_or_default())
    }

    /// Runs it for what it does to one of these variables, and gives that.
    fn change(&self, script: ScriptId, variables: &[(&str, &Value)], changed: &str) -> Result<Value, String>;
}

/// The interpreter of a mapping without scripts.
pub struct NoScripts;

impl Interpreter for NoScripts {
    fn compile(&mut self, place: Place, _: &ScriptConfig) -> Result<ScriptId, String> {
        Err(format!(
            "mapping {}: the {} is a script, and no interpreter is at hand here",
            place.mapping, place.hook
        ))
    }

    fn answer(&self, _: ScriptId, _: &[(&str, &Value)]) -> Result<Option<Value>, String> {
        Err("no interpreter is at hand here".into())
    }

    fn change(&self, _: ScriptId, _: &[(&str, &Value)], _: &str) -> Result<Value, String> {
        Err("no interpreter is at hand here".into())
    }
}

/// Why a mapping cannot run.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Its configuration is wrong.
    #[error(transparent)]
    Config(#[from] MappingConfigError),
    /// A script of it cannot be compiled.
    #[error("{0}")]
    Script(String),
}

/// Why one record could not be judged or mapped. It fails the record, never the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Problem {
    /// What went wrong, naming the property or hook.
    pub reason: String,
}

impl From<String> for Problem {
    fn from(reason: String) -> Self {
        Self { reason }
    }
}

/// Whether a source qualifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// It does.
    Valid,
    /// It does not, and why.
    Invalid(String),
}

pub(crate) enum Condition {
    Filter(Filter, String),
    Script(ScriptId),
}

struct Policy {
    situation: Situation,
    action: PolicyAction,
    condition: Option<Condition>,
    post_action: Option<ScriptId>,
}

enum PolicyAction {
    Named(Action),
    Script(ScriptId),
}

/// A mapping ready to run.
pub struct Mapping {
    /// Its configuration.
    pub config: MappingConfig,
    pub(crate) properties: Vec<Property>,
    policies: Vec<Policy>,
    source_condition: Option<Condition>,
    valid_source: Option<ScriptId>,
    valid_target: Option<ScriptId>,
    qualifiers: Qualifiers,
    source_query: Option<Filter>,
    target_query: Option<Filter>,
    hooks: BTreeMap<Hook, ScriptId>,
    newest: bool,
    pub(crate) correlation: Vec<Rule>,
    /// Pairs (source attribute, target attribute) that the linked reverse mapping brings back.
    pub(crate) two_way: BTreeSet<(String, String)>,
    source_sameness: Sameness,
    target_sameness: Sameness,
}

impl Mapping {
    /// Makes a mapping ready. `reverse` is the mapping that shares its links in the other direction, if there is one.
    pub fn compile(
        config: MappingConfig,
        reverse: Option<&MappingConfig>,
        interpreter: &mut dyn Interpreter,
    ) -> Result<Self, CompileError> {
        let mut compiler = Compiler { config: &config, reverse, interpreter };
        let two_way = reverse.map(|r| two_way_pairs(&config, r)).unwrap_or_default();
        let properties = config
            .properties
            .iter()
            .map(|p| Property::compile(p, &mut compiler, &two_way))
            .collect::<Result<Vec<_>, CompileError>>()?;
        let policies = config
            .policies
            .iter()
            .map(|p| {
                Ok(Policy {
                    situation: p
                        .situation
                        .parse()
                        .map_err(|e: model::situation::UnknownName| CompileError::Script(e.to_string()))?,
                    action: match &p.action {
                        ActionConfig::Name(name) => PolicyAction::Named(name.parse().map_err(
                            |e: model::situation::UnknownName| CompileError::Script(e.to_string()),
                        )?),
                        ActionConfig::Script(s) => {
                            PolicyAction::Script(compiler.script(None, "policy action", s)?)
                        }
                    },
                    condition: compiler.condition(None, "policy condition", p.condition.as_ref())?,
                    post_action: compiler.optional(None, "postAction", p.post_action.as_ref())?,
                })
            })
            .collect::<Result<Vec<_>, CompileError>>()?;
        let source_condition =
            compiler.condition(None, "sourceCondition", config.source_condition.as_ref())?;
        let valid_source = compiler.optional(None, "validSource", config.valid_source.as_ref())?;
        let valid_target = compiler.optional(None, "validTarget", config.valid_target.as_ref())?;
        let correlation = compiler.correlation()?;
        let newest = [Some(&config), reverse].into_iter().flatten().any(|m| {
            m.conflict_rule == Some(ConflictRule::Newest)
                || m.properties.iter().any(|p| p.conflict_rule == Some(ConflictRule::Newest))
        });
        let qualifiers = Qualifiers::compile(&mut compiler)?;
        let hooks = Hook::ALL
            .into_iter()
            .filter_map(|hook| Some((hook, hook.config(&config)?)))
            .map(|(hook, script)| Ok((hook, compiler.script(None, hook.name(), script)?)))
            .collect::<Result<_, CompileError>>()?;
        let source_query = query_filter(&config, "sourceQuery", config.source_query.as_ref())?;
        let target_query = query_filter(&config, "targetQuery", config.target_query.as_ref())?;
        Ok(Self {
            config,
            properties,
            policies,
            source_condition,
            valid_source,
            valid_target,
            qualifiers,
            source_query,
            target_query,
            hooks,
            newest,
            correlation,
            two_way,
            source_sameness: Sameness::default(),
            target_sameness: Sameness::default(),
        })
    }

    /// The mapping for systems that take values for the same which are not written the same.
    #[must_use]
    pub fn telling_apart(self, source_sameness: Sameness, target_sameness: Sameness) -> Self {
        Self { source_sameness, target_sameness, ..self }
    }

    /// What the target's system takes for the same value.
    pub fn target_sameness(&self) -> &Sameness {
        &self.target_sameness
    }

    pub(crate) fn sides(&self) -> Sides<'_> {
        Sides { source: &self.source_sameness, target: &self.target_sameness }
    }

    /// Whether the source qualifies, and if not, why.
    pub fn source_validity(
        &self,
        interpreter: &dyn Interpreter,
        qualifier: &str,
        source: &Value,
    ) -> Result<Validity, Problem> {
        let qualifier = Value::from(qualifier);
        match &self.source_condition {
            None => {}
            Some(Condition::Filter(filter, text)) => {
                let variables = [("source", source), ("linkQualifier", &qualifier)];
                if !filter.holds_among(&variables) {
                    return Ok(Validity::Invalid(explain_filter(filter, text, &variables)));
                }
            }
            Some(Condition::Script(id)) => {
                let result = interpreter.eval(*id, &[("source", source), ("linkQualifier", &qualifier)])?;
                match result {
                    Value::Bool(true) => {}
                    Value::Bool(false) => {
                        return Ok(Validity::Invalid(
                            "the mapping's source condition (a script) says no".into(),
                        ));
                    }
                    other => {
                        return Ok(Validity::Invalid(format!(
                            "the mapping's source condition (a script) gave {other}, and only true lets a record in"
                        )));
                    }
                }
            }
        }
        if let Some(id) = self.valid_source {
            let result = interpreter.eval(id, &[("source", source), ("linkQualifier", &qualifier)])?;
            if !expect_boolean(&result, "validSource")? {
                return Ok(Validity::Invalid("the mapping's validSource script says no".into()));
            }
        }
        Ok(Validity::Valid)
    }

    /// Whether the target qualifies.
    pub fn target_valid(
        &self,
        interpreter: &dyn Interpreter,
        qualifier: &str,
        target: &Value,
    ) -> Result<bool, Problem> {
        match self.valid_target {
            None => Ok(true),
            Some(id) => {
                let qualifier = Value::from(qualifier);
                expect_boolean(
                    &interpreter.eval(id, &[("target", target), ("linkQualifier", &qualifier)])?,
                    "validTarget",
                )
            }
        }
    }

    /// Whether the mapping's `sourceQuery` takes this source in.
    pub fn in_source_query(&self, source: &Value) -> bool {
        self.source_query.as_ref().is_none_or(|filter| filter.matches(source))
    }

    /// Whether the mapping has a `sourceQuery` that leaves sources out at all.
    pub fn narrows_sources(&self) -> bool {
        self.source_query.is_some()
    }

    /// Whether the mapping's `targetQuery` takes this target in.
    pub fn in_target_query(&self, target: &Value) -> bool {
        self.target_query.as_ref().is_none_or(|filter| filter.matches(target))
    }

    /// What to do: the first policy of the situation whose condition holds, else the default.
    pub fn action(&self, interpreter: &dyn Interpreter, occasion: &Decision<'_>) -> Result<Decided, Problem> {
        let Decision { qualifier, situation, source, .. } = *occasion;
        let numbered = self.policies.iter().enumerate().filter(|(_, p)| p.situation == situation);
        for (number, policy) in numbered {
            if let Some(condition) = &policy.condition
                && !holds(
                    condition,
                    interpreter,
                    &Seen { qualifier, source, target: &Value::Null, old_target: None, old_source: None },
                )?
            {
                continue;
            }
            let action = match &policy.action {
                PolicyAction::Named(action) => *action,
                PolicyAction::Script(id) => {
                    let result =
                        interpreter.eval(*id, &occasion.variables().each_ref().map(|(n, v)| (*n, v)))?;
                    result.as_str().and_then(|name| name.parse().ok()).ok_or_else(|| {
                        format!("the action script of {situation} gave {result}, which is no action")
                    })?
                }
            };
            return Ok(Decided { action, policy: Some(number) });
        }
        Ok(Decided { action: situation.default_action(), policy: None })
    }

    /// Whether a conflict rule wants to know which side was changed last.
    pub fn asks_who_is_newer(&self) -> bool {
        self.newest
    }

    /// Whether anything runs after an action at all.
    pub fn has_after(&self) -> bool {
        self.has_hook(Hook::PostMapping) || self.policies.iter().any(|p| p.post_action.is_some())
    }

    /// Whether the policy has something to run after its action.
    pub fn has_post_action(&self, policy: Option<usize>) -> bool {
        policy.and_then(|number| self.policies.get(number)).is_some_and(|p| p.post_action.is_some())
    }

    /// Runs what the policy wants after its action.
    pub fn post_action(
        &self,
        interpreter: &dyn Interpreter,
        policy: usize,
        occasion: &Decision<'_>,
        action: Action,
    ) -> Result<(), Problem> {
        let Some(id) = self.policies.get(policy).and_then(|p| p.post_action) else { return Ok(()) };
        let mut variables: Vec<(&str, Value)> = occasion.variables().into();
        variables.push(("action", Value::from(action.as_str())));
        variables.push(("situation", Value::from(occasion.situation.as_str())));
        variables.push(("reconId", Value::from(occasion.run)));
        let variables: Vec<(&str, &Value)> = variables.iter().map(|(n, v)| (*n, v)).collect();
        interpreter.eval(id, &variables)?;
        Ok(())
    }

    /// The link qualifiers that this mapping may use at all, for the target phase.
    pub fn all_qualifiers(&self, interpreter: &dyn Interpreter) -> Result<Vec<String>, Problem> {
        self.qualifiers.all(interpreter, &self.config.name)
    }

    /// Whether every source has the same link qualifiers.
    pub fn qualifiers_are_fixed(&self) -> bool {
        matches!(self.qualifiers, Qualifiers::List(_))
    }

    /// The link qualifiers of a source.
    pub fn qualifiers_of(
        &self,
        interpreter: &dyn Interpreter,
        source: &Value,
    ) -> Result<Vec<String>, Problem> {
        self.qualifiers.of(interpreter, &self.config.name, source)
    }

    /// Whether a script runs at this event.
    pub fn has_hook(&self, hook: Hook) -> bool {
        self.hooks.contains_key(&hook)
    }

    /// Runs the script of an event, if there is one, and gives the target as it left it.
    pub fn run_hook(
        &self,
        interpreter: &dyn Interpreter,
        hook: Hook,
        variables: &[(&str, &Value)],
        target: &Attributes,
    ) -> Result<Attributes, Problem> {
        let Some(id) = self.hooks.get(&hook) else { return Ok(target.clone()) };
        let mut all = vec![("target", Value::Object(target.clone()))];
        all.extend(variables.iter().map(|(name, value)| (*name, (*value).clone())));
        let all: Vec<(&str, &Value)> = all.iter().map(|(n, v)| (*n, v)).collect();
        match interpreter.change(*id, &all, "target")? {
            Value::Object(changed) => Ok(changed),
            other => {
                Err(format!("the {} script left {other} as `target`; it must stay an object", hook.name())
                    .into())
            }
        }
    }

    /// The source attributes to read; `None` means all of them.
    pub fn source_attributes(&self) -> Option<BTreeSet<String>> {
        let mut names = self.config.source_attributes()?;
        names.extend(self.two_way.iter().map(|(s, _)| s.clone()));
        Some(names)
    }

    /// The target attributes to read: those that are written and those that correlation asks for; `None` means all.
    pub fn target_attributes(&self) -> Option<BTreeSet<String>> {
        let mut names = self.config.target_attributes()?;
        names.extend(self.correlation_attributes());
        Some(names)
    }
}

/// The link qualifier of mappings that define none.
pub const DEFAULT_QUALIFIER: &str = "default";

fn query_filter(
    config: &MappingConfig,
    key: &'static str,
    query: Option<&QueryConfig>,
) -> Result<Option<Filter>, CompileError> {
    let Some(query) = query else { return Ok(None) };
    let resource = if key == "sourceQuery" { &config.source } else { &config.target };
    if let Some(other) = query.elsewhere(resource) {
        return Err(CompileError::Config(config.place(
            key,
            format!("names `{other}`, and the mapping's records are in `{resource}`; leave resourceName out"),
        )));
    }
    let named =
        query.id.as_deref().is_some_and(|id| !matches!(id.trim(), "" | "query-all-ids" | "query-all"));
    if named || query.expression.as_deref().is_some_and(|e| !e.trim().is_empty()) {
        return Err(CompileError::Config(config.place(
            key,
            "names a query of IDM's own repository, which is not here; write it as a `_queryFilter`",
        )));
    }
    query
        .filter
        .as_deref()
        .filter(|text| text.trim() != "true")
        .map(|text| Filter::parse(text).map_err(|e| CompileError::Config(config.place(key, e.to_string()))))
        .transpose()
}

fn two_way_pairs(config: &MappingConfig, reverse: &MappingConfig) -> BTreeSet<(String, String)> {
    let back: BTreeSet<(&str, &str)> = reverse
        .properties
        .iter()
        .filter_map(|p| {
            Some((p.target.trim_start_matches('/'), p.source.as_deref()?.trim_start_matches('/')))
        })
        .collect();
    config
        .properties
        .iter()
        .filter_map(|p| {
            Some((p.source.as_deref()?.trim_start_matches('/'), p.target.trim_start_matches('/')))
        })
        .filter(|pair| back.contains(pair))
        .map(|(s, t)| (s.to_owned(), t.to_owned()))
        .collect()
}

/// What a condition of a property or a policy sees.
pub(crate) struct Seen<'a> {
    pub qualifier: &'a str,
    pub source: &'a Value,
    /// The target as it is being made.
    pub target: &'a Value,
    /// The target before any property; null for a new one. IDM shows it to the conditions of properties.
    pub old_target: Option<&'a Value>,
    /// The source before the change that is carried on. In a reconciliation nobody knows it, and it is not there, as in IDM.
    pub old_source: Option<&'a Value>,
}

pub(crate) fn holds(
    condition: &Condition,
    interpreter: &dyn Interpreter,
    seen: &Seen<'_>,
) -> Result<bool, Problem> {
    let qualifier = Value::from(seen.qualifier);
    // Property conditions say `/object/...`, source conditions `/source/...`; both mean the source.
    let mut variables = vec![
        ("object", seen.source),
        ("source", seen.source),
        ("target", seen.target),
        ("linkQualifier", &qualifier),
    ];
    variables.extend(seen.old_target.map(|target| ("oldTarget", target)));
    variables.extend(seen.old_source.map(|source| ("oldSource", source)));
    match condition {
        Condition::Filter(filter, _) => Ok(filter.holds_among(&variables)),
        // As in IDM only true holds, not a text or a number that JavaScript would take for it.
        Condition::Script(id) => Ok(interpreter.eval(*id, &variables)? == Value::Bool(true)),
    }
}

fn expect_boolean(value: &Value, hook: &str) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| format!("expecting boolean value from {hook}, got {value}").into())
}

/// Says in words why a source condition does not hold; for the commonest one, "no e-mail".
fn explain_filter(filter: &Filter, text: &str, variables: &[(&str, &Value)]) -> String {
    let is_known = |pointer: &&Pointer| {
        variables.iter().any(|(name, _)| pointer.head().is_none_or(|head| head == *name))
    };
    if let Some(stray) = filter.pointers().into_iter().find(|pointer| !is_known(pointer)) {
        let (stray, tail) = (stray.to_string(), stray.tail().to_string());
        let attribute = if stray.starts_with("object/") { tail } else { stray.clone() };
        return format!(
            "the mapping's source condition `{text}` does not hold: it asks for `/{stray}`, and a source condition finds the \
             record under `/source`; write `/source/{attribute}`"
        );
    }
    let missing: Vec<String> = match filter {
        Filter::And(parts) => parts.iter().collect::<Vec<_>>(),
        single => vec![single],
    }
    .into_iter()
    .filter_map(|part| match part {
        Filter::Present(pointer) if !part.holds_among(variables) => Some(pointer.tail().to_string()),
        _ => None,
    })
    .collect();
    if missing.is_empty() {
        format!("the mapping's source condition `{text}` does not hold")
    } else {
        format!("no value for {}: the mapping's source condition `{text}` asks for one", missing.join(", "))
    }
}

pub(crate) struct Compiler<'a> {
    pub config: &'a MappingConfig,
    /// The mapping that shares its links in the other direction.
    pub reverse: Option<&'a MappingConfig>,
    interpreter: &'a mut dyn Interpreter,
}

impl Compiler<'_> {
    pub(crate) fn script(
        &mut self,
        property: Option<&str>,
        hook: &'static str,
        script: &ScriptConfig,
    ) -> Result<ScriptId, CompileError> {
        let place = Place { mapping: self.config.name.clone(), property: property.map(str::to_owned), hook };
        if !script.kind.to_ascii_lowercase().contains("javascript") {
            return Err(CompileError::Script(format!(
                "mapping `{}`, {hook}: scripts of type `{}` cannot run here; rewrite it in JavaScript",
                self.config.name, script.kind
            )));
        }
        if script.source.is_none() {
            return Err(CompileError::Script(format!(
                "mapping `{}`, {hook}: the script file `{}` is not part of the mapping; put its text under `source`",
                self.config.name,
                script.file.as_deref().unwrap_or_default()
            )));
        }
        self.interpreter.compile(place, script).map_err(CompileError::Script)
    }

    pub(crate) fn optional(
        &mut self,
        property: Option<&str>,
        hook: &'static str,
        script: Option<&ScriptConfig>,
    ) -> Result<Option<ScriptId>, CompileError> {
        script.map(|s| self.script(property, hook, s)).transpose()
    }

    pub(crate) fn condition(
        &mut self,
        property: Option<&str>,
        hook: &'static str,
        condition: Option<&ConditionConfig>,
    ) -> Result<Option<Condition>, CompileError> {
        Ok(match condition {
            None => None,
            Some(ConditionConfig::Filter(text)) => Some(Condition::Filter(
                Filter::parse(text).map_err(|e| {
                    CompileError::Script(format!("mapping `{}`, {hook}: {e}", self.config.name))
                })?,
                text.clone(),
            )),
            Some(ConditionConfig::Script(s)) => Some(Condition::Script(self.script(property, hook, s)?)),
        })
    }
}

/// The attributes of a record as one JSON object, for conditions and scripts.
pub(crate) fn as_value(attributes: Option<&Attributes>) -> Value {
    attributes.cloned().map_or(Value::Null, Value::Object)
}

pub(crate) fn empty_or(value: Option<&Value>) -> Value {
    value.filter(|v| !canonical::is_empty(v)).cloned().unwrap_or(Value::Null)
}
