//! Files of claims. JSON is what WSO2's claim API answers, XML its `claim-config.xml`, CSV a table with the same names at the head
//! of its columns. Names are read in whatever case, with or without blanks.

use std::{fs, path::Path};

use serde_json::{Map, Value};

use crate::{ApiError, ErrorCode};

/// No list of claims is this large.
const LARGEST: u64 = 8 << 20;

/// A claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claim {
    pub uri: String,
    /// The attribute of WSO2's own user store.
    pub attribute_id: Option<String>,
    pub title: Option<String>,
    pub about: Option<String>,
    pub pattern: Option<String>,
    pub order: Option<u64>,
    pub supported: bool,
    pub required: bool,
    pub read_only: bool,
}

/// The claims of a file.
pub(super) fn read(file: &Path) -> Result<Vec<Claim>, ApiError> {
    let wrong = |what: String| ApiError::new(ErrorCode::Invalid, format!("{}: {what}", file.display()));
    let size = fs::metadata(file).map_err(|e| wrong(format!("cannot be read ({e})")))?.len();
    if size > LARGEST {
        return Err(wrong(format!("is larger than {} MiB, which no list of claims is", LARGEST >> 20)));
    }
    let text = fs::read_to_string(file).map_err(|e| wrong(format!("cannot be read ({e})")))?;
    let claims = parse(&text).map_err(wrong)?;
    if claims.is_empty() {
        return Err(wrong("there is no claim in it; each needs at least its URI".into()));
    }
    Ok(claims)
}

/// The claims of a text, by its first character.
pub(super) fn parse(text: &str) -> Result<Vec<Claim>, String> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.chars().next() {
        Some('[' | '{') => {
            let value: Value = serde_json::from_str(text).map_err(|e| format!("is not valid JSON: {e}"))?;
            let mut claims = Vec::new();
            in_json(&value, &mut claims);
            Ok(claims)
        }
        Some('<') => in_xml(text),
        _ => in_csv(text),
    }
}

/// Claims wherever they stand in a document: a list, `claims`, or the claims of several dialects.
fn in_json(value: &Value, found: &mut Vec<Claim>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| in_json(item, found)),
        Value::Object(map) => {
            let pairs = map.iter().filter_map(|(name, value)| Some((name.clone(), plain(value)?)));
            match claim(pairs.chain(mapped_attribute(map))) {
                Some(claim) => found.push(claim),
                None => {
                    map.values().filter(|v| v.is_array() || v.is_object()).for_each(|v| in_json(v, found))
                }
            }
        }
        _ => {}
    }
}

/// The attribute of the first user store: `attributeMapping: [{mappedAttribute, userstore}]`.
fn mapped_attribute(map: &Map<String, Value>) -> Option<(String, String)> {
    let list = map.iter().find(|(name, _)| name.eq_ignore_ascii_case("attributeMapping"))?.1;
    let name = list.as_array()?.first()?.get("mappedAttribute")?.as_str()?;
    Some(("AttributeID".into(), name.to_owned()))
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A claim of its named values; `None` where there is no URI.
fn claim(values: impl Iterator<Item = (String, String)>) -> Option<Claim> {
    let mut claim = Claim::default();
    for (name, value) in values {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let value = value.trim().to_owned();
        let flag = || matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "1");
        match name.to_ascii_lowercase().as_str() {
            "claimuri" => claim.uri = value,
            "attributeid" | "mappedattribute" => claim.attribute_id = some(value),
            "displayname" => claim.title = some(value),
            "description" => claim.about = some(value),
            "regex" | "regularexpression" => claim.pattern = some(value),
            "displayorder" => claim.order = value.parse().ok(),
            "supportedbydefault" => claim.supported = flag(),
            "required" => claim.required = flag(),
            "readonly" => claim.read_only = flag(),
            _ => {}
        }
    }
    (!claim.uri.is_empty()).then_some(claim)
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A table whose first line names its columns.
fn in_csv(text: &str) -> Result<Vec<Claim>, String> {
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains(';') && !first.contains(',') { ';' } else { ',' };
    let mut rows = table(text, separator)?.into_iter();
    let head = rows.next().unwrap_or_default();
    if !head.iter().any(|name| name.replace([' ', '_'], "").eq_ignore_ascii_case("claimuri")) {
        return Err("is neither JSON nor XML, and its first line names no column ClaimURI".into());
    }
    Ok(rows.filter_map(|row| claim(head.iter().cloned().zip(row))).collect())
}

/// The cells of a table, with quotes as RFC 4180 has them.
fn table(text: &str, separator: char) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, quoted) {
            ('"', true) if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            ('"', true) => quoted = false,
            ('"', false) if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            ('\n', false) => {
                row.push(std::mem::take(&mut cell).trim_end_matches('\r').to_owned());
                rows.push(std::mem::take(&mut row));
            }
            (c, false) if c == separator => row.push(std::mem::take(&mut cell)),
            (c, _) => cell.push(c),
        }
    }
    if quoted {
        return Err("a quotation mark in it is never closed".into());
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    Ok(rows)
}

/// The elements named `Claim`, each with its values as elements. This reads such lists and no other XML: no document type, no
/// entities but the five that XML itself defines and those by number.
fn in_xml(text: &str) -> Result<Vec<Claim>, String> {
    let mut claims = Vec::new();
    let mut values: Option<Vec<(String, String)>> = None;
    let (mut open, mut content, mut rest) = (None::<String>, String::new(), text);
    while let Some((before, tag)) = rest.split_once('<') {
        content.push_str(&decoded(before)?);
        if let Some(after) = tag.strip_prefix("!--") {
            rest = after.split_once("-->").ok_or("a comment in it is never closed")?.1;
            continue;
        }
        if let Some(after) = tag.strip_prefix("![CDATA[") {
            let (inside, after) = after.split_once("]]>").ok_or("a CDATA section in it is never closed")?;
            content.push_str(inside);
            rest = after;
            continue;
        }
        if tag.starts_with('!') {
            return Err("has a document type, which lists of claims do not need".into());
        }
        let (inside, after) = tag.split_once('>').ok_or("an element in it is never closed")?;
        rest = after;
        if inside.starts_with('?') {
            continue;
        }
        let (closing, empty) = (inside.starts_with('/'), inside.ends_with('/'));
        let name = inside.trim_matches('/').split_whitespace().next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or(name);
        match (name.eq_ignore_ascii_case("Claim"), closing) {
            (true, false) if !empty => values = Some(Vec::new()),
            (true, true) => claims.extend(values.take().and_then(|values| claim(values.into_iter()))),
            (false, false) if empty => {
                // `<Required/>` is a claim's way to say yes.
                if let Some(values) = &mut values {
                    values.push((name.to_owned(), "true".into()));
                }
            }
            (false, false) => open = Some(name.to_owned()),
            (false, true) => {
                if let (Some(values), Some(opened)) = (&mut values, open.take())
                    && opened == name
                {
                    let empty_flag = content.trim().is_empty()
                        && ["Required", "SupportedByDefault", "ReadOnly"].contains(&name);
                    let value = if empty_flag { "true".to_owned() } else { content.clone() };
                    values.push((opened, value));
                }
            }
            (true, false) => {}
        }
        content.clear();
    }
    Ok(claims)
}

fn decoded(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let after = after
            .strip_prefix(';')
            .ok_or("an & in it begins no entity; write &amp; for the character itself")?;
        let number = name.strip_prefix('#').map(|digits| match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        });
        plain.push(match (name, number) {
            ("amp", _) => '&',
            ("lt", _) => '<',
            ("gt", _) => '>',
            ("quot", _) => '"',
            ("apos", _) => '\'',
            (_, Some(Ok(code))) => char::from_u32(code).ok_or("a character in it does not exist")?,
            _ if name.len() > 30 => return Err("an entity in it is not known".to_owned()),
            _ => return Err(format!("the entity &{name}; in it is not known")),
        });
        rest = after;
    }
    plain.push_str(rest);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone() -> Claim {
        Claim {
            uri: "http://wso2.org/claims/phoneNumbers".into(),
            attribute_id: Some("phoneNumbers".into()),
            title: Some("Phone \"Numbers\" & more".into()),
            about: None,
            pattern: Some("^[0-9, ]{3,}$".into()),
            order: Some(3),
            supported: true,
            required: true,
            read_only: false,
        }
    }

    #[test]
    fn every_form_says_the_same() {
        for text in [
            r#"[{"claimURI": "http://wso2.org/claims/phoneNumbers", "displayName": "Phone \"Numbers\" & more", "regEx": "^[0-9, ]{3,}$",
                "displayOrder": 3, "supportedByDefault": true, "required": true, "readOnly": false,
                "attributeMapping": [{"mappedAttribute": "phoneNumbers", "userstore": "PRIMARY"}]}]"#,
            r#"{"dialectURI": "http://wso2.org/claims", "claims": [{"ClaimURI": "http://wso2.org/claims/phoneNumbers",
                "AttributeID": "phoneNumbers", "DisplayName": "Phone \"Numbers\" & more", "RegEx": "^[0-9, ]{3,}$",
                "DisplayOrder": "3", "SupportedByDefault": "true", "Required": "true"}]}"#,
            "ClaimURI,Display Name,AttributeID,RegEx,Display Order,Supported by Default,Required,ReadOnly\r\n\
             http://wso2.org/claims/phoneNumbers,\"Phone \"\"Numbers\"\" & more\",phoneNumbers,\"^[0-9, ]{3,}$\",3,true,yes,false\r\n",
            r#"<?xml version="1.0"?><ClaimConfig xmlns="http://example.org/claims"><Dialects><Dialect dialectURI="http://wso2.org/claims">
                <!-- one --><Claim><ClaimURI>http://wso2.org/claims/phoneNumbers</ClaimURI><DisplayName>Phone &quot;Numbers&quot; &#38; more</DisplayName>
                <AttributeID>phoneNumbers</AttributeID><RegEx><![CDATA[^[0-9, ]{3,}$]]></RegEx><DisplayOrder>3</DisplayOrder>
                <SupportedByDefault/><Required></Required></Claim></Dialect></Dialects></ClaimConfig>"#,
        ] {
            assert_eq!(parse(text), Ok(vec![phone()]), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_claims_is_told() {
        for (text, says) in [
            ("{", "JSON"),
            ("a,b\n1,2", "ClaimURI"),
            ("ClaimURI\n\"x", "never closed"),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><Claim/>", "document type"),
            ("<Claim><ClaimURI>&boom;</ClaimURI></Claim>", "&boom;"),
            ("<Claim><ClaimURI>a & b;</ClaimURI></Claim>", "&amp;"),
            ("<Claim", "never closed"),
        ] {
            assert!(parse(text).unwrap_err().contains(says), "{text}");
        }
        let endless = format!("<Claim><ClaimURI>&{};</ClaimURI></Claim>", "x".repeat(3000));
        assert_eq!(parse(&endless), Err("an entity in it is not known".into()));
        assert_eq!(parse("[]"), Ok(vec![]));
        assert_eq!(
            parse(""),
            Err("is neither JSON nor XML, and its first line names no column ClaimURI".into())
        );
    }
}
