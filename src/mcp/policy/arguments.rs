//! Arguments, read for a rule.
//!
//! The service reads them too, and not all read JSON alike: some (Go's `encoding/json`) take `PROD` for
//! `prod`. What such a reader could take for a member that the rule reads is refused.

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value, map};

use crate::mcp::disguise;
use crate::mcp::members::fold;

/// Arguments as every reader sees them; nothing if there are two ways to read them.
pub(super) fn document(arguments: &str) -> Option<Value> {
    // Derived readers take arrays as well, by position.
    if !arguments.starts_with('{') || !disguise::is_unambiguous(arguments) {
        return None;
    }
    serde_json::from_str(arguments).ok()
}

/// Nothing if the arguments are not an `A`, or if others could read them otherwise.
pub(super) fn read<A: DeserializeOwned>(arguments: &Value) -> Option<A> {
    let names = RefCell::default();
    let read = A::deserialize(Node {
        value: arguments,
        names: &names,
    });
    let names = names.into_inner();
    let folded = names.iter().map(|name| fold(name)).collect();
    let is_other = |name: &str| !names.contains(name) && has(&folded, name);
    read.ok().filter(|_| !is_anywhere(arguments, &is_other))
}

fn has(folded: &HashSet<String>, name: &str) -> bool {
    folded.contains(&fold(name))
}

/// Whether a member has such a name, however deep.
fn is_anywhere(value: &Value, is_it: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Array(list) => list.iter().any(|value| is_anywhere(value, is_it)),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| is_it(name) || is_anywhere(value, is_it)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The names that are read, as the types say.
type Names = RefCell<HashSet<&'static str>>;

/// A value that notes which members are asked for.
#[derive(Clone, Copy)]
struct Node<'v> {
    value: &'v Value,
    names: &'v Names,
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Error;

    fn deserialize_any<T: Visitor<'de>>(self, visitor: T) -> Result<T::Value, Error> {
        let names = self.names;
        match self.value {
            Value::Array(list) => {
                let nodes = list.iter().map(|value| Node { value, names });
                let mut list = SeqDeserializer::new(nodes);
                let read = visitor.visit_seq(&mut list)?;
                list.end()?;
                Ok(read)
            }
            Value::Object(members) => visitor.visit_map(Members::of(members, names)),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                plain.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<T: Visitor<'de>>(self, visitor: T) -> Result<T::Value, Error> {
        if self.value.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<T: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: T,
    ) -> Result<T::Value, Error> {
        // Values as they were written are read in a way of their own.
        if name.starts_with(disguise::KEY) {
            return self.value.deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<T: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: T,
    ) -> Result<T::Value, Error> {
        self.names.borrow_mut().extend(fields);
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<T: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: T,
    ) -> Result<T::Value, Error> {
        let Some(members) = self.value.as_object() else {
            return self.value.deserialize_enum(name, variants, visitor);
        };
        let mut members = members.iter();
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return Err(Error::custom("a map with a single key"));
        };
        self.names.borrow_mut().extend(variants);
        visitor.visit_enum(Variant {
            name,
            content: Node { value, ..self },
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

impl<'de> serde::de::IntoDeserializer<'de, Error> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A variant that has something in it.
struct Variant<'v> {
    name: &'v str,
    content: Node<'v>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Node<'de>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Node<'de>), Error> {
        let name = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((name, self.content))
    }
}

impl<'de> VariantAccess<'de> for Node<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<T: Visitor<'de>>(self, _: usize, visitor: T) -> Result<T::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<T: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: T,
    ) -> Result<T::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

struct Members<'v> {
    rest: map::Iter<'v>,
    value: Option<&'v Value>,
    names: &'v Names,
}

impl<'v> Members<'v> {
    fn of(members: &'v Map<String, Value>, names: &'v Names) -> Self {
        Self {
            rest: members.iter(),
            value: None,
            names,
        }
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let value = self.value.take().unwrap_or(&Value::Null);
        seed.deserialize(Node {
            value,
            names: self.names,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Target {
        #[serde(default)]
        prod: bool,
        place: Option<Place>,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Place {
        #[serde(alias = "area")]
        region: String,
        ports: Vec<u16>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    enum Kind {
        #[default]
        Plain,
        Named(String),
        Pair(u8, u8),
        Fields {
            #[serde(default)]
            deep: bool,
        },
    }

    fn read<A: DeserializeOwned>(arguments: &str) -> Option<A> {
        super::read(&document(arguments)?)
    }

    #[test]
    fn arguments_are_read_as_serde_json_reads_them() {
        for arguments in [
            "{}",
            r#"{"prod":true,"other":[1,{"x":null}]}"#,
            r#"{"place":{"region":"a","ports":[1,65535]}}"#,
            r#"{"place":{"area":"a","ports":[]},"kind":{"Named":"b"}}"#,
            r#"{"place":null,"kind":"Plain"}"#,
            r#"{"kind":{"Pair":[1,2]}}"#,
            r#"{"kind":{"Plain":null}}"#,
            r#"{"kind":{"Fields":{"deep":true,"x":1}}}"#,
        ] {
            let read = read::<Target>(arguments);
            assert!(read.is_some(), "{arguments}");
            assert_eq!(read, serde_json::from_str(arguments).ok());
        }
        for arguments in [
            r#"{"prod":1}"#,
            r#"{"place":{"region":"a","ports":[65536]}}"#,
            r#"{"place":{"region":"a"}}"#,
            r#"{"kind":{"Named":"b","More":1}}"#,
            r#"{"kind":{"Named":"b","Zzz":1}}"#,
            r#"{"kind":{"Pair":[1,2,3]}}"#,
            r#"{"kind":{}}"#,
            r#"{"kind":{"Plain":1}}"#,
            r#"{"kind":"Other"}"#,
            "[true,null]",
            "null",
            "",
        ] {
            assert_eq!(read::<Target>(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn what_others_could_take_for_a_member_is_refused() {
        for arguments in [
            r#"{"PROD":true}"#,
            r#"{"prod":false,"Prod":true}"#,
            r#"{"pr\u006fd":false,"pROD":true}"#,
            r#"{"place":{"region":"a","ports":[],"Region":"b"}}"#,
            r#"{"place":{"AREA":"a","ports":[]}}"#,
            r#"{"kind":{"Fields":{"DEEP":true}}}"#,
            "{\"\u{212a}ind\":\"Plain\"}",
            r#"{"other":1,"OTHER":2}"#,
            r#"{"other":[{"a":1,"A":2}]}"#,
        ] {
            assert_eq!(read::<Target>(arguments), None, "{arguments}");
        }
        assert!(read::<Target>(r#"{"Product":1}"#).is_some());
    }
}
