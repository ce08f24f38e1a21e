//! Keys that are in one object twice: a runtime bundle takes the last, the modelling service refuses them.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// The keys that are there twice, each with the path of its object, in their order.
pub(super) fn twice(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let look = Look {
        path: String::new(),
        found: &mut found,
    };
    // What is not JSON is told elsewhere.
    let _ = look.deserialize(&mut json);
    found
}

struct Look<'f> {
    path: String,
    found: &'f mut Vec<(String, String)>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !keys.insert(key.clone()) {
                self.found.push((self.path.clone(), key.clone()));
            }
            map.next_value_seed(Look {
                path: super::strict::join(&self.path, &key),
                found: self.found,
            })?;
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        let mut at = 0;
        loop {
            let look = Look {
                path: super::strict::join(&self.path, &at.to_string()),
                found: self.found,
            };
            if list.next_element_seed(look)?.is_none() {
                return Ok(());
            }
            at += 1;
        }
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

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| ())
    }
}
