//! What nobody reads must be well-formed too.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Others, Reading};

/// Reads a value of any kind, strictly, and keeps nothing.
pub(in crate::token) struct Skip<'a> {
    pub(in crate::token) reading: &'a Reading<'a>,
    /// How deep an object or array would be that starts here.
    pub(in crate::token) depth: u8,
}

impl<'de> DeserializeSeed<'de> for Skip<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth = self.reading.deeper(self.depth)?;
        let mut others = Others::default();
        while let Some(name) = self.reading.name(&mut map)? {
            others.skip(self.reading, name, &mut map, depth)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let depth = self.reading.deeper(self.depth)?;
        while seq
            .next_element_seed(Skip {
                reading: self.reading,
                depth,
            })?
            .is_some()
        {
            self.reading.spend(&self.reading.elements)?;
        }
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
