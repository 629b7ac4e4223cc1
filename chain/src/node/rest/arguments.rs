//! The values of a request's path and query, as what they must be.

use std::collections::BTreeMap;

use attestation::hex;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;

use super::route::{Content, Parameter, Place, Route, kinds};
use crate::api::{HashText, ObjectKind};

/// Values by name, every one of them declared by the route and of its content.
pub(super) struct Arguments(BTreeMap<&'static str, Value>);

#[derive(Clone, Copy)]
enum Value {
    Hash(HashText),
    Number(u64),
    Flag(bool),
    Kind(ObjectKind),
}

impl Arguments {
    /// Reads what a request gives; the message names the parameter, what was expected and what came.
    pub(super) fn read(route: &Route, path: &[(&str, &str)], query: Option<&str>) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let query = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
        let given = path.iter().copied().map(|pair| (true, pair)).chain(query.map(|pair| (false, pair)));
        for (in_path, (name, text)) in given {
            let known =
                route.parameters.iter().find(|known| known.name == name && (known.place == Place::Path) == in_path);
            let Some(parameter) = known else {
                let names: Vec<&str> = in_query(route).map(|parameter| parameter.name).collect();
                return Err(format!("query: expected {}, got {name:?}", listed(&names)));
            };
            if values.insert(parameter.name, parse(parameter, text)?).is_some() {
                return Err(format!("{name}: expected once, got twice"));
            }
        }
        let missing = route
            .parameters
            .iter()
            .find(|parameter| parameter.place == Place::RequiredQuery && !values.contains_key(parameter.name));
        match missing {
            Some(parameter) => Err(format!("{}: expected {}, got nothing", parameter.name, expected(parameter))),
            None => Ok(Self(values)),
        }
    }

    pub(super) fn hash(&self, name: &str) -> Option<HashText> {
        match self.0.get(name) {
            Some(Value::Hash(hash)) => Some(*hash),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.0.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub(super) fn kind(&self, name: &str) -> Option<ObjectKind> {
        match self.0.get(name) {
            Some(Value::Kind(kind)) => Some(*kind),
            _ => None,
        }
    }
}

fn in_query(route: &Route) -> impl Iterator<Item = &'static Parameter> {
    route.parameters.iter().filter(|parameter| parameter.place != Place::Path)
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "no parameters".to_owned() } else { names.join(", ") }
}

fn parse(parameter: &Parameter, text: &str) -> Result<Value, String> {
    let value = match parameter.content {
        Content::Hash => hex::decode(text).ok().map(|hash| Value::Hash(HashText(hash))),
        Content::Number(least, most) => {
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            // One spelling of each number.
            number.filter(|number: &u64| number.to_string() == text).map(Value::Number)
        }
        Content::Flag => text.parse().ok().map(Value::Flag),
        Content::ManyKind | Content::SingleKind => {
            let kind = ObjectKind::deserialize(IntoDeserializer::<ValueError>::into_deserializer(text));
            kind.ok().filter(|kind| kinds(parameter.content).any(|allowed| allowed == *kind)).map(Value::Kind)
        }
    };
    // What comes from outside is shortened before it is repeated.
    let got: String = text.chars().take(80).collect();
    value.ok_or_else(|| format!("{}: expected {}, got {got:?}", parameter.name, expected(parameter)))
}

fn expected(parameter: &Parameter) -> String {
    match parameter.content {
        Content::Hash => "0x and 64 lower-case hexadecimal digits".to_owned(),
        Content::Number(least, u64::MAX) => format!("a whole number from {least} on"),
        Content::Number(least, most) => format!("a whole number from {least} to {most}"),
        Content::Flag => "true or false".to_owned(),
        Content::ManyKind | Content::SingleKind => {
            let names: Vec<String> = kinds(parameter.content).map(kind_name).collect();
            names.join(", ")
        }
    }
}

/// A kind as the interface spells it.
pub(super) fn kind_name(kind: ObjectKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
