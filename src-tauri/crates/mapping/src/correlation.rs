//! Correlation: which target belongs to a source that has no link yet.

use std::{cell::OnceCell, collections::BTreeSet};

use model::{Attributes, Filter, MappingConfig, Pointer, filter::Op, mapping_config::ScriptConfig};
use serde_json::Value;

use crate::{
    canonical,
    compiled::{CompileError, Compiler, DEFAULT_QUALIFIER, Interpreter, Mapping, Problem, ScriptId},
};

/// What to ask the target for one source.
#[derive(Debug, Clone, PartialEq)]
pub enum Correlation {
    /// Nothing: no rule is defined.
    NotDefined,
    /// Every value that the rule needs is empty, so no target can match.
    NoKey,
    /// The targets that match this query.
    Query(Query),
    /// These targets, as a script said.
    Ids(Vec<String>),
}

/// A query on the target.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The filter.
    pub filter: Filter,
}

impl Query {
    /// A text that is the same for two sources exactly when they ask for the same target.
    pub fn key(&self) -> String {
        self.filter.to_string().to_lowercase()
    }
}

/// A way to ask, for one link qualifier or for all.
pub(crate) struct Rule {
    qualifier: Option<String>,
    ask: CorrelationRule,
}

enum CorrelationRule {
    Tree(Tree),
    /// With the target attributes that it may ask for.
    QueryScript(ScriptId, BTreeSet<String>),
    IdScript(ScriptId),
}

/// `{"any": [...]}` and `{"all": [...]}` with target attributes as leaves, as IDM's screen writes them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Any(Vec<Tree>),
    All(Vec<Tree>),
    Attribute(String),
}

impl Tree {
    fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) => Some(Self::Attribute(name.trim_start_matches('/').to_owned())),
            Value::Object(map) => {
                let list = |key: &str| {
                    map.get(key)?
                        .as_array()?
                        .iter()
                        .map(Self::parse)
                        .collect::<Option<Vec<_>>>()
                        .filter(|l| !l.is_empty())
                };
                list("any").map(Self::Any).or_else(|| list("all").map(Self::All))
            }
            _ => None,
        }
    }

    fn attributes<'t>(&'t self, into: &mut BTreeSet<&'t str>) {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().for_each(|p| p.attributes(into)),
            Self::Attribute(name) => {
                into.insert(name);
            }
        }
    }

    /// The query, leaving out what has no value; `None` when nothing is left or an `all` lacks a part.
    fn query(&self, value_of: &dyn Fn(&str) -> Option<Value>) -> Option<Filter> {
        match self {
            Self::Attribute(name) => {
                let asks = |value| Filter::Compare(Pointer::parse(name), Op::Eq, value);
                match value_of(name)? {
                    // Nothing equals a list: the target is asked for each of its items.
                    Value::Array(items) => {
                        let items = items.into_iter().filter(|item| !canonical::is_empty(item));
                        one_or(items.map(asks).collect(), Filter::Or)
                    }
                    value => Some(value).filter(|value| !canonical::is_empty(value)).map(asks),
                }
            }
            Self::Any(parts) => {
                let parts: Vec<Filter> = parts.iter().filter_map(|p| p.query(value_of)).collect();
                one_or(parts, Filter::Or)
            }
            Self::All(parts) => {
                let parts: Option<Vec<Filter>> = parts.iter().map(|p| p.query(value_of)).collect();
                one_or(parts?, Filter::And)
            }
        }
    }
}

/// Whether a filter can ask for the value: a text, a number, a flag, or a list of these.
fn can_be_asked_for(value: &Value) -> bool {
    let is_plain = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_));
    match value {
        Value::Array(items) => items.iter().all(is_plain),
        value => is_plain(value),
    }
}

fn one_or(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(join(parts)),
    }
}

/// The target attributes of a mapping's properties that stand as a word in a script, as the filter that it builds names
/// them. To index all that is mapped would make each read of the target dearer.
fn named_targets(config: &MappingConfig, script: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-');
    let words: BTreeSet<&str> = script.split(|c| !is_part(c)).collect();
    let targets = config.properties.iter().map(|p| Pointer::parse(&p.target));
    targets
        .filter(|target| target.steps().iter().all(|step| words.contains(step.as_str())))
        .map(|target| target.to_string())
        .collect()
}

/// What a script's answer asks for: a filter, or IDM's stored query for a user name. Null says that there is nothing to ask
/// by; a script that ends without a value was not finished, and taking that for "no match" would make a second record of
/// everybody.
fn queried(answer: Option<&Value>) -> Result<Correlation, Problem> {
    let Some(answer) = answer else {
        return Err("correlationQuery ended without a value; its last line must be the query, such as \
                    `({\"_queryFilter\": ...})`, or null for a record that has nothing to be found by"
            .to_owned()
            .into());
    };
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    let ask = |filter| Correlation::Query(Query { filter });
    match (text("_queryFilter"), text("_queryId")) {
        _ if answer.is_null() => Ok(Correlation::NoKey),
        (Some(filter), _) => {
            Filter::parse(filter).map(ask).map_err(|e| Problem { reason: format!("correlationQuery: {e}") })
        }
        (None, Some("for-userName")) => Ok(match answer.get("uid") {
            Some(uid) if !canonical::is_empty(uid) => {
                ask(Filter::Compare(Pointer::parse("userName"), Op::Eq, uid.clone()))
            }
            _ => Correlation::NoKey,
        }),
        (None, _) => Err(format!(
            "correlationQuery gave {answer}; it must give {{\"_queryFilter\": ...}}, or \
             {{\"_queryId\": \"for-userName\", \"uid\": ...}}"
        )
        .into()),
    }
}

impl Compiler<'_> {
    pub(crate) fn correlation(&mut self) -> Result<Vec<Rule>, CompileError> {
        let config = self.config;
        let mut rules: Vec<Rule> = Vec::new();
        for entry in config.correlation_queries() {
            let qualifier = entry.get("linkQualifier").and_then(Value::as_str).unwrap_or(DEFAULT_QUALIFIER);
            let wrong = |what: &str| {
                CompileError::Config(config.place(
                    "correlationQuery",
                    format!("{what}; write for example {{\"expressionTree\": {{\"all\": [\"mail\"]}}}}"),
                ))
            };
            // Of several rules for one qualifier IDM keeps the last.
            rules.retain(|rule| rule.qualifier.as_deref() != Some(qualifier));
            if let Some(tree) = entry.get("expressionTree") {
                let tree = Tree::parse(tree).ok_or_else(|| wrong("the expression tree cannot be read"))?;
                rules.push(Rule { qualifier: Some(qualifier.to_owned()), ask: CorrelationRule::Tree(tree) });
            } else {
                let script: ScriptConfig = serde_json::from_value(entry.clone())
                    .map_err(|_| wrong("it is neither an expression tree nor a script"))?;
                let id = self.script(None, "correlationQuery", &script)?;
                let names = named_targets(config, script.source.as_deref().unwrap_or_default());
                rules.push(Rule {
                    qualifier: Some(qualifier.to_owned()),
                    ask: CorrelationRule::QueryScript(id, names),
                });
            }
        }
        if let Some(script) = &config.correlation_script {
            let ask = CorrelationRule::IdScript(self.script(None, "correlationScript", script)?);
            rules.push(Rule { qualifier: None, ask });
        }
        Ok(rules)
    }
}

impl Mapping {
    /// The target attributes that the rules ask for, as far as that can be known before, so that they can be read and
    /// indexed.
    pub fn correlation_attributes(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for rule in &self.correlation {
            match &rule.ask {
                CorrelationRule::Tree(tree) => tree.attributes(&mut names),
                CorrelationRule::QueryScript(_, named) => names.extend(named.iter().map(String::as_str)),
                CorrelationRule::IdScript(_) => {}
            }
        }
        names.into_iter().map(str::to_owned).collect()
    }

    /// What to ask the target for this source.
    pub fn correlate(
        &self,
        interpreter: &dyn Interpreter,
        qualifier: &str,
        source: &Attributes,
    ) -> Result<Correlation, Problem> {
        let asked = |rule: &&Rule| rule.qualifier.as_deref().is_none_or(|of| of == qualifier);
        let Some(rule) = self.correlation.iter().find(asked) else { return Ok(Correlation::NotDefined) };
        // Only scripts see the record as a whole.
        let (whole, variable) = (OnceCell::new(), Value::from(qualifier));
        let whole = || whole.get_or_init(|| Value::Object(source.clone()));
        Ok(match &rule.ask {
            CorrelationRule::Tree(tree) => {
                let mut names = BTreeSet::new();
                tree.attributes(&mut names);
                let mut values = Attributes::new();
                for name in names {
                    let value = self.mapped_value(interpreter, qualifier, source, name)?;
                    if !can_be_asked_for(&value) {
                        return Err(format!(
                                "correlation asks for `{name}`, and the mapping gives it an object or a list of these, which no \
                                 target can be asked for; map it to a text, or name another attribute in the rule"
                            )
                            .into());
                    }
                    values.insert(name.to_owned(), value);
                }
                match tree.query(&|name| values.get(name).cloned()) {
                    Some(filter) => Correlation::Query(Query { filter }),
                    None => Correlation::NoKey,
                }
            }
            CorrelationRule::QueryScript(id, _) => {
                let result = interpreter.answer(*id, &[("source", whole()), ("linkQualifier", &variable)])?;
                queried(result.as_ref())?
            }
            CorrelationRule::IdScript(id) => {
                let result = interpreter.eval(*id, &[("source", whole()), ("linkQualifier", &variable)])?;
                let mut ids = result
                    .as_array()
                    .and_then(|items| {
                        items
                            .iter()
                            .map(|i| i.as_str().or_else(|| i.get("_id")?.as_str()).map(str::to_owned))
                            .collect::<Option<Vec<_>>>()
                    })
                    .ok_or_else(|| {
                        format!("correlationScript gave {result}; it must give a list of objects with `_id`")
                    })?;
                // One record that is named twice is no choice between two.
                let mut seen = BTreeSet::new();
                ids.retain(|id| seen.insert(id.clone()));
                Correlation::Ids(ids)
            }
        })
    }
}
