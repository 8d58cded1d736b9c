use serde::{Deserialize, Serialize};

/// Names by their beginnings.
#[derive(Clone, Eq, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// A name has to begin with one of these, if there are any; of several names one.
    pub include: Vec<String>,
    /// It must not begin with one of these; of several names none.
    pub exclude: Vec<String>,
}

impl Names {
    /// Whether something of these names is selected: one of them is to be included, and none to be excluded.
    pub(crate) fn has<'n>(&self, mut names: impl Iterator<Item = &'n str> + Clone) -> bool {
        let begins = |name: &str, list: &[String]| list.iter().any(|beginning| name.starts_with(beginning.as_str()));
        let included = self.include.is_empty() || names.clone().any(|name| begins(name, &self.include));
        included && !names.any(|name| begins(name, &self.exclude))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    pub(crate) fn beginnings(&self) -> impl Iterator<Item = &str> {
        self.include.iter().chain(&self.exclude).map(String::as_str)
    }
}
