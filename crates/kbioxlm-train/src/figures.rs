use crate::KeepConfig;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The numbers of a record under their paths in it, as `entity_mlm.loss`; what is no finite number is left out.
///
/// These are the names by which figures are known everywhere: in settings, event files and plots.
pub fn figures(record: &impl Serialize) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    // A record of numbers always is JSON; if one was not, it would have no figures.
    let value = serde_json::to_value(record).unwrap_or_default();
    leaves(&value, &mut |path, leaf| {
        if let Some(number) = leaf.as_f64() {
            numbers.insert(path.to_owned(), number);
        }
    });
    numbers
}

/// Visits all values that are no objects, with their paths.
pub(crate) fn leaves(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    fn descend(path: &str, value: &Value, visit: &mut impl FnMut(&str, &Value)) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                descend(&path, value, visit);
            }),
            leaf => visit(path, leaf),
        }
    }
    descend("", value, visit);
}

/// Means of the figures by which checkpoints are compared, over several steps; each over the steps that have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Means {
    sums: BTreeMap<String, (f64, u32)>,
}

impl Means {
    pub(crate) fn add(&mut self, figures: &BTreeMap<String, f64>) {
        for (name, value) in figures.iter().filter(|(name, _)| KeepConfig::METRICS.contains(&name.as_str())) {
            let (sum, n) = self.sums.entry(name.clone()).or_default();
            *sum += value;
            *n += 1;
        }
    }

    /// The means so far; the next ones begin anew.
    pub(crate) fn take(&mut self) -> BTreeMap<String, f64> {
        let sums = std::mem::take(&mut self.sums);
        sums.into_iter().map(|(name, (sum, n))| (name, sum / f64::from(n))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_have_the_paths_of_numbers() {
        let found = figures(&json!({"step": 3, "name": "a", "loss": null, "prp": {"loss": 0.5, "deep": {"n": -1}}}));
        let expected = [("prp.deep.n", -1.0), ("prp.loss", 0.5), ("step", 3.0)];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn means_are_over_the_steps_that_have_the_figure() {
        let mut means = Means::default();
        means.add(&figures(&json!({"loss": 1.0, "seconds": 0.1})));
        means.add(&figures(&json!({"loss": 2.0, "prp": {"accuracy": 0.5, "count": 8}})));
        assert_eq!(means.take(), [("loss".to_owned(), 1.5), ("prp.accuracy".to_owned(), 0.5)].into());
        assert!(means.take().is_empty());
    }
}
