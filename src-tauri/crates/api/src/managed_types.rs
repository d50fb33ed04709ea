//! The types of managed objects, for the screen that edits them.

use engine::{Engine, Gravity, TypeChange};
use model::{ManagedObjectConfig, Protection, policy, schema_check};
use serde_json::Value;

use crate::{
    ApiError, App, ErrorCode,
    dto::{
        ByName, Empty, ManagedPolicy, ManagedProperty, ManagedTypeDetail, ManagedTypeDraft, ManagedTypeSaved,
        ManagedTypeSummary, ProblemGravity, TypeProblem,
    },
};

impl App {
    /// Every managed type.
    pub async fn managed_types(&self, _: Empty) -> Result<Vec<ManagedTypeSummary>, ApiError> {
        let types = self.store.read(|r| Ok(Engine::managed_types(r))).await??;
        let mut summaries = Vec::with_capacity(types.len());
        for config in types {
            summaries.push(self.type_summary(&config).await?);
        }
        Ok(summaries)
    }

    /// A managed type with what its editor needs.
    pub async fn managed_type_get(&self, request: ByName) -> Result<ManagedTypeDetail, ApiError> {
        let config = self.managed_config(&request.name).await?;
        self.type_detail(config).await
    }

    /// Saves a managed type, or says why not; a new one under the name of another is [`ErrorCode::Conflict`]. The index of what becomes searchable is built in the background.
    pub async fn managed_type_save(&self, request: ManagedTypeDraft) -> Result<ManagedTypeSaved, ApiError> {
        let config: ManagedObjectConfig = serde_json::from_value(request.config).map_err(|e| {
            let wanted =
                "expected an element of managed.json: {\"name\": ..., \"schema\": {\"properties\": {...}}}";
            ApiError::new(ErrorCode::Invalid, format!("this is no managed type: {e}; {wanted}"))
        })?;
        let name = config.name.clone();
        if request.create
            && self.store.read(|r| Ok(Engine::managed_types(r))).await??.iter().any(|t| t.name == name)
        {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                format!("managed type `{name}` exists already; choose another name"),
            )
            .about("name"));
        }
        let change = TypeChange { config, rev: request.rev, confirmed: request.confirmed, who: self.who() };
        let saved = self.engine.save_managed_type(change).await?;
        if saved.to_fill {
            self.fill_columns_in_background();
        }
        let detail = match saved.rev {
            Some(_) => Some(self.managed_type_get(ByName { name }).await?),
            None => None,
        };
        Ok(ManagedTypeSaved {
            saved: saved.saved,
            problems: saved.problems.into_iter().map(problem).collect(),
            detail,
        })
    }

    /// Removes a managed type that has no objects and that no mapping uses.
    pub async fn managed_type_remove(&self, request: ByName) -> Result<Empty, ApiError> {
        self.engine.remove_managed_type(&request.name, &self.who()).await?;
        Ok(Empty {})
    }

    /// Builds the indexes that are unfinished, in small steps beside everything else.
    pub(crate) fn fill_columns_in_background(&self) {
        let engine = self.engine.clone();
        tokio::spawn(async move {
            if let Err(error) = engine.fill_columns().await {
                // It goes on at the next start; until then queries judge by the documents.
                tracing::warn!(%error, "the index of a managed type could not be finished");
            }
        });
    }

    async fn type_summary(&self, config: &ManagedObjectConfig) -> Result<ManagedTypeSummary, ApiError> {
        let (name, path) = (config.name.clone(), format!("managed/{}", config.name));
        let (objects, indexing, mappings) = self
            .store
            .read(move |r| Ok((r.managed_count(&name)?, r.managed_filling(&name)?, r.mappings()?)))
            .await?;
        let uses = |m: &model::MappingConfig| m.source == path || m.target == path;
        Ok(ManagedTypeSummary {
            name: config.name.clone(),
            title: title_of_type(config),
            objects,
            properties: config.schema.properties.len() as u64,
            indexing,
            mappings: mappings.into_iter().map(|m| m.config).filter(uses).map(|m| m.name).collect(),
        })
    }

    async fn type_detail(&self, config: ManagedObjectConfig) -> Result<ManagedTypeDetail, ApiError> {
        let problems = schema_check::flaws(&config)
            .into_iter()
            .map(|flaw| TypeProblem {
                gravity: if flaw.fatal { ProblemGravity::Refused } else { ProblemGravity::Note },
                property: flaw.property,
                message: flaw.message,
                objects: None,
                examples: Vec::new(),
            })
            .collect();
        Ok(ManagedTypeDetail {
            summary: self.type_summary(&config).await?,
            rev: Engine::managed_type_rev(&config),
            properties: config.ordered().map(|name| property(&config, name)).collect(),
            problems,
            known_policies: policy::KNOWN.map(str::to_owned).to_vec(),
            config: serde_json::to_value(&config)
                .map_err(|e| ApiError::new(ErrorCode::Internal, format!("the type cannot be shown: {e}")))?,
        })
    }
}

fn title_of_type(config: &ManagedObjectConfig) -> String {
    match config.schema.rest.get("title").and_then(Value::as_str).filter(|t| !t.is_empty()) {
        Some(title) => title.to_owned(),
        None => {
            let mut letters = config.name.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

fn property(config: &ManagedObjectConfig, name: &str) -> ManagedProperty {
    let document = config.schema.properties.get(name);
    let part = |key: &str| document.and_then(|d| d.get(key));
    let types = match part("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(kind)) => vec![kind.clone()],
        _ => Vec::new(),
    };
    ManagedProperty {
        name: name.to_owned(),
        title: config.title(name).to_owned(),
        types,
        required: config.schema.required.iter().any(|r| r == name),
        searchable: config.flag(name, "searchable", false),
        unique: config.has_policy(name, "unique"),
        viewable: config.flag(name, "viewable", true),
        computed: config.flag(name, "isVirtual", false),
        private: config.is_private(name),
        protection: config.protection(name).map(|protection| match protection {
            Protection::Hash => "hash".to_owned(),
            Protection::Seal => "seal".to_owned(),
        }),
        default: part("default").cloned().unwrap_or(Value::Null),
        policies: part("policies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|policy| managed_policy(config, policy))
            .collect(),
    }
}

fn managed_policy(config: &ManagedObjectConfig, policy: &Value) -> ManagedPolicy {
    let id = policy.get("policyId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let params = policy
        .get("params")
        .filter(|p| p.is_object())
        .cloned()
        .unwrap_or_else(|| Value::Object(Default::default()));
    ManagedPolicy {
        words: policy_words(config, &id, &params),
        checked: policy::KNOWN.contains(&id.as_str()),
        params,
        id,
    }
}

/// What a policy asks for, in a few words that can stand alone or follow another's: attributes by their titles.
pub(crate) fn policy_words(config: &ManagedObjectConfig, id: &str, params: &Value) -> String {
    let number = |key: &str| params.get(key).and_then(Value::as_u64).unwrap_or(0);
    let list = |key: &str| match params.get(key) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => {
            text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    match id {
        "required" => "required".into(),
        "not-empty" => "not empty".into(),
        "unique" => "unique".into(),
        "no-internal-user-conflict" => "not a name that Concord itself uses".into(),
        "regexpMatches" => {
            format!("matches {}", params.get("regexp").and_then(Value::as_str).unwrap_or_default())
        }
        "valid-type" => "of its type".into(),
        "valid-date" => "a date".into(),
        "valid-email-address-format" => "an e-mail address".into(),
        "valid-name-format" => "letters, blanks, hyphens and apostrophes".into(),
        "valid-phone-format" => "a phone number of digits, blanks, hyphens and parentheses".into(),
        "at-least-X-capitals" => at_least(number("numCaps"), "capital letter"),
        "at-least-X-numbers" => at_least(number("numNums"), "digit"),
        "minimum-length" => format!("at least {} characters long", number("minLength")),
        "maximum-length" => format!("at most {} characters long", number("maxLength")),
        "cannot-contain-others" => {
            let titles = list("disallowedFields").iter().map(|name| config.title(name).to_owned()).collect();
            format!("does not contain the {}", any_of(titles))
        }
        "cannot-contain-characters" => format!("does not contain {}", any_of(list("forbiddenChars"))),
        "cannot-contain-duplicates" => "no item twice".into(),
        other => other.replace('-', " "),
    }
}

fn at_least(count: u64, what: &str) -> String {
    format!("at least {count} {what}{}", if count == 1 { "" } else { "s" })
}

/// "a, b or c".
fn any_of(mut names: Vec<String>) -> String {
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn problem(problem: engine::TypeProblem) -> TypeProblem {
    TypeProblem {
        gravity: match problem.gravity {
            Gravity::Refused => ProblemGravity::Refused,
            Gravity::Confirm => ProblemGravity::Confirm,
            Gravity::Note => ProblemGravity::Note,
        },
        property: problem.property,
        message: problem.message,
        objects: problem.objects,
        examples: problem.examples,
    }
}
