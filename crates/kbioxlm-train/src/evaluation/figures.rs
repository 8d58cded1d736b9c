use super::Evaluation;
use crate::name_search::NamesFound;
use std::collections::BTreeMap;

impl Evaluation {
    /// Its losses and accuracies under the names by which settings, event files and plots know them; what is no finite number is
    /// left out.
    ///
    /// | name | what |
    /// |---|---|
    /// | `evaluation.entity_mlm.loss` | of a task: over all held-out examples together |
    /// | `evaluation.en.entity_mlm.loss` | those of a language, or of pairs in two |
    /// | `retrieval.en-zh.accuracy_at_1` | of a direction: over all concepts looked up |
    /// | `retrieval.en-zh.held_out.accuracy_at_1` | those held out from the corpora; likewise `anchored`, the others |
    /// | `retrieval.accuracy_at_1`, `retrieval.held_out.accuracy_at_1` | mean over the directions |
    pub fn figures(&self) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        if let Some(held_out) = &self.held_out {
            let languages = held_out.languages.iter().map(|(lang, tasks)| (format!("evaluation.{lang}"), tasks));
            for (of, tasks) in languages.chain([("evaluation".to_owned(), &held_out.all)]) {
                let tasks = [
                    ("entity_mlm", tasks.entity_mlm),
                    ("relation_mlm", tasks.relation_mlm),
                    ("prp", tasks.prp),
                    ("tagging", tasks.tagging),
                ];
                for (task, metrics) in tasks.into_iter().filter_map(|(task, metrics)| Some((task, metrics?))) {
                    figures.insert(format!("{of}.{task}.loss"), metrics.loss);
                    figures.insert(format!("{of}.{task}.accuracy"), metrics.accuracy);
                }
            }
        }
        let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
        for direction in &self.retrieval {
            let groups = [direction.held_out, direction.anchored];
            let groups = [("", together(groups)), (".held_out", groups[0]), (".anchored", groups[1])];
            for (group, found) in groups.into_iter().filter_map(|(group, found)| Some((group, found?))) {
                for (name, value) in [("accuracy_at_1", found.accuracy_at_1), ("accuracy_at_5", found.accuracy_at_5)] {
                    figures.insert(format!("retrieval.{}-{}{group}.{name}", direction.from, direction.to), value);
                    let (sum, n) = sums.entry(format!("retrieval{group}.{name}")).or_default();
                    *sum += value;
                    *n += 1;
                }
            }
        }
        figures.extend(sums.into_iter().map(|(name, (sum, n))| (name, sum / f64::from(n))));
        figures.retain(|_, value| value.is_finite());
        figures
    }
}

/// The concepts of both groups; `None` if there are none.
fn together(groups: [Option<NamesFound>; 2]) -> Option<NamesFound> {
    let mean = |value: fn(&NamesFound) -> f64, concepts: u64| {
        groups.iter().flatten().map(|g| g.concepts as f64 * value(g)).sum::<f64>() / concepts as f64
    };
    let concepts = groups.iter().flatten().map(|g| g.concepts).sum();
    (concepts > 0).then(|| NamesFound {
        concepts,
        accuracy_at_1: mean(|g| g.accuracy_at_1, concepts),
        accuracy_at_5: mean(|g| g.accuracy_at_5, concepts),
        mrr: mean(|g| g.mrr, concepts),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_those_of_all_of_each_language_and_of_each_direction_and_their_means() {
        let tasks = |loss: Option<f64>| json!({"examples": 4, "prp": {"loss": loss, "accuracy": 0.75, "count": 4}});
        let found = |concepts: u64, at_1: f64| json!({"concepts": concepts, "accuracy_at_1": at_1, "accuracy_at_5": 1});
        let evaluation: Evaluation = serde_json::from_value(json!({
            "step": 3, "tokens": 100, "seconds": 1.5,
            "held_out": {"all": tasks(Some(0.5)), "languages": {"en-zh": tasks(None)}},
            "retrieval": [
                {"from": "en", "to": "zh", "names": 9, "held_out": found(1, 1.0), "anchored": found(3, 0.0)},
                {"from": "zh", "to": "en", "names": 9, "anchored": found(3, 0.75)},
            ],
        }))
        .unwrap();
        let mut figures = evaluation.figures();
        figures.retain(|name, _| !name.ends_with("accuracy_at_5"));
        let expected = [
            ("evaluation.prp.loss", 0.5),
            ("evaluation.prp.accuracy", 0.75),
            // A loss that is no number is no figure.
            ("evaluation.en-zh.prp.accuracy", 0.75),
            ("retrieval.en-zh.accuracy_at_1", 0.25),
            ("retrieval.en-zh.held_out.accuracy_at_1", 1.0),
            ("retrieval.en-zh.anchored.accuracy_at_1", 0.0),
            ("retrieval.zh-en.accuracy_at_1", 0.75),
            ("retrieval.zh-en.anchored.accuracy_at_1", 0.75),
            ("retrieval.accuracy_at_1", 0.5),
            ("retrieval.held_out.accuracy_at_1", 1.0),
            ("retrieval.anchored.accuracy_at_1", 0.375),
        ];
        assert_eq!(figures, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }
}
