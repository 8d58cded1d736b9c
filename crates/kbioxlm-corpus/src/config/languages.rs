use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Languages with a weight each; written as a list where all weigh the same, else as a table.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Languages(BTreeMap<String, f64>);

impl Languages {
    /// The languages and their weights, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(lang, &weight)| (lang.as_str(), weight))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Languages of equal weight.
impl<S: Into<String>> FromIterator<S> for Languages {
    fn from_iter<I: IntoIterator<Item = S>>(languages: I) -> Self {
        Self(languages.into_iter().map(|lang| (lang.into(), 1.0)).collect())
    }
}

/// Languages with their weights.
impl<S: Into<String>, const N: usize> From<[(S, f64); N]> for Languages {
    fn from(languages: [(S, f64); N]) -> Self {
        Self(languages.into_iter().map(|(lang, weight)| (lang.into(), weight)).collect())
    }
}

impl Serialize for Languages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.values().all(|&weight| weight == 1.0) {
            serializer.collect_seq(self.0.keys())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Languages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a list of languages, or a table of languages and their weights")]
        enum Written {
            List(Vec<String>),
            Table(BTreeMap<String, f64>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::List(list) => list.into_iter().collect(),
            Written::Table(table) => Self(table),
        })
    }
}
