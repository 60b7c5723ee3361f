//! How a policy is shown.

use std::cmp::max;
use std::fmt;

use serde::Serialize;
use serde::ser::Serializer;

use super::{Policy, Rule};

impl<V> fmt::Debug for Policy<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}

impl<V> Serialize for Policy<V> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        self.rules.serialize(serializer)
    }
}

impl<V> fmt::Display for Policy<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.rules.iter().map(Rule::shown).collect();
        let kinds: Vec<String> = self
            .rules
            .iter()
            .map(|rule| rule.kind().to_string())
            .collect();
        let width = |of: &[String], least| of.iter().map(String::len).fold(least, max);
        let (kind_width, name_width) = (width(&kinds, 8), width(&names, 6));
        let scopes = self.rules.iter().map(|rule| rule.scopes().len());
        let scope_width = scopes.fold(6, max);
        writeln!(
            f,
            "{:<kind_width$}  {:<name_width$}  {:<scope_width$}  place",
            "kind", "name", "scopes"
        )?;
        for ((rule, kind), name) in self.rules.iter().zip(kinds).zip(names) {
            let (file, line) = (rule.place().file(), rule.place().line());
            let demand = rule.scopes();
            writeln!(
                f,
                "{kind:<kind_width$}  {name:<name_width$}  {demand:<scope_width$}  {file}:{line}"
            )?;
        }
        Ok(())
    }
}
