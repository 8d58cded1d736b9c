//! An entity as the dump has it; nothing is copied that needs no copy.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

#[derive(serde::Deserialize)]
pub(super) struct Entity<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `item`, `property`, `lexeme` …
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub labels: Map<'a, Value<'a>>,
    #[serde(borrow, default)]
    pub aliases: Map<'a, Vec<Value<'a>>>,
    /// By property; most are never looked at.
    #[serde(borrow, default)]
    pub claims: Map<'a, &'a RawValue>,
    #[serde(borrow, default)]
    pub sitelinks: Map<'a, Title<'a>>,
}

#[derive(serde::Deserialize)]
pub(super) struct Value<'a> {
    #[serde(borrow)]
    pub value: Text<'a>,
}

#[derive(serde::Deserialize)]
pub(super) struct Title<'a> {
    #[serde(borrow)]
    pub title: Text<'a>,
}

#[derive(serde::Deserialize)]
pub(super) struct Statement<'a> {
    #[serde(borrow)]
    pub mainsnak: Snak<'a>,
    #[serde(default)]
    pub rank: Rank,
    #[serde(borrow, default)]
    pub qualifiers: Map<'a, &'a RawValue>,
}

#[derive(Copy, Clone, Eq, PartialEq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Rank {
    Preferred,
    #[default]
    Normal,
    Deprecated,
}

/// A value, or that there is none (`novalue`) or none is known (`somevalue`).
#[derive(serde::Deserialize)]
pub(super) struct Snak<'a> {
    #[serde(borrow, default)]
    pub datavalue: Option<DataValue<'a>>,
}

#[derive(serde::Deserialize)]
pub(super) struct DataValue<'a> {
    #[serde(borrow)]
    pub value: &'a RawValue,
}

/// A value that is an entity; old dumps have the number only.
#[derive(serde::Deserialize)]
pub(super) struct EntityId<'a> {
    #[serde(borrow, default)]
    pub id: Option<Text<'a>>,
    #[serde(default, rename = "numeric-id")]
    pub number: Option<u64>,
}

/// A string, borrowed where it has no escapes.
#[derive(Clone, Eq, PartialEq, Default, Debug)]
pub(super) struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// An object, in its order. Wikibase writes an empty one as `[]`.
pub(super) struct Map<'a, T>(pub Vec<(Text<'a>, T)>);

impl<T> Default for Map<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Map<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
            type Value = Map<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or `[]` for an empty one")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Map(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                match seq.next_element::<IgnoredAny>()? {
                    None => Ok(Map::default()),
                    Some(_) => Err(serde::de::Error::invalid_length(1, &self)),
                }
            }
        }
        deserializer.deserialize_any(MapVisitor(PhantomData))
    }
}
