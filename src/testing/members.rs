//! A JSON object as text, member by member.

use std::fmt;

use serde_json::Value;

/// The members of an object in the order in which they are written.
///
/// Values are text, because what hostile tokens carry (`1e400`, the same name twice) has no place
/// in a [`Value`].
#[derive(Clone, Debug, Default)]
pub(super) struct Members(Vec<(String, String)>);

/// A change of a member that is applied later, over the defaults.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Remove(String),
    Set(String, String),
}

impl Members {
    /// Gives `name` the value that `text` describes, in its old place if it has one.
    pub(super) fn set(&mut self, name: &str, text: String) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = text,
            None => self.0.push((name.to_owned(), text)),
        }
    }

    pub(super) fn set_value(&mut self, name: &str, value: impl Into<Value>) {
        let value: Value = value.into();
        self.set(name, value.to_string());
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    pub(super) fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Remove(name) => self.remove(name),
            Edit::Set(name, text) => self.set(name, text.clone()),
        }
    }
}

impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        let mut separator = "";
        for (name, text) in &self.0 {
            write!(f, "{separator}{}:{text}", Value::from(name.as_str()))?;
            separator = ",";
        }
        f.write_str("}")
    }
}
