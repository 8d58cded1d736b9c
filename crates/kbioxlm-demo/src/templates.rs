//! Sentence patterns of our own, one file a language.
//!
//! A slot stands in braces: `{h}` and `{t}` head and tail of a fact, `{ts}` a list of tails, `{c}` a disease, `{d}` a
//! drug, `{s}` a symptom, `{e}` an unwanted effect, `{n}` a number. In English and Spanish no sentence begins with a
//! name, so that a name in the text is spelled as in the lexicon.

mod en;
mod es;
mod zh;

use crate::{Kind, Relation};

/// What one language says.
pub(crate) struct Templates {
    pub lang: &'static str,
    /// Between two sentences.
    pub space: &'static str,
    /// Between the items of a list.
    pub comma: &'static str,
    /// First sentence of a document, with the slot `{h}`.
    pub opening_disease: &'static [&'static str],
    pub opening_drug: &'static [&'static str],
    pub opening_symptom: &'static [&'static str],
    /// One fact `{h}` – `{t}`, or all of a concept's `{h}` – `{ts}`.
    pub may_treat: &'static [&'static str],
    pub may_cause: &'static [&'static str],
    pub has_symptom: &'static [&'static str],
    pub is_a: &'static [&'static str],
    pub may_lead_to: &'static [&'static str],
    pub contraindicated_in: &'static [&'static str],
    /// Small stories about `{c}`, its symptom `{s}`, its drug `{d}` and the drug's effect `{e}`.
    pub cases: &'static [&'static str],
    /// Sentences without a name.
    pub neutral: &'static [&'static str],
    /// The benchmark's sentences, none of which stands in a document.
    pub benchmark: &'static [&'static str],
}

impl Templates {
    pub fn of(lang: &str) -> &'static Self {
        match lang {
            "zh" => &zh::TEMPLATES,
            "es" => &es::TEMPLATES,
            _ => &en::TEMPLATES,
        }
    }

    pub fn opening(&self, kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Disease => self.opening_disease,
            Kind::Drug => self.opening_drug,
            Kind::Symptom => self.opening_symptom,
        }
    }

    pub fn relation(&self, relation: Relation) -> &'static [&'static str] {
        match relation {
            Relation::MayTreat => self.may_treat,
            Relation::MayCause => self.may_cause,
            Relation::HasSymptom => self.has_symptom,
            Relation::IsA => self.is_a,
            Relation::MayLeadTo => self.may_lead_to,
            Relation::ContraindicatedIn => self.contraindicated_in,
        }
    }

    /// The word before the last item of a list that begins with `next`.
    pub fn and(&self, next: &str) -> &'static str {
        match self.lang {
            "zh" => "和",
            "es" if sounds_like_i(next) => " e ",
            "es" => " y ",
            _ => " and ",
        }
    }
}

/// Spanish says `e` for `y` before the sound of i: `e insomnio`, `e hipotensión`, but `y hierro`.
fn sounds_like_i(word: &str) -> bool {
    let bare = word.strip_prefix('h').unwrap_or(word);
    bare.starts_with(['i', 'í']) && !["ia", "ie", "io"].iter().any(|glide| bare.starts_with(glide))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LANGUAGES;
    use std::collections::BTreeSet;

    fn documents(t: &Templates) -> Vec<&'static str> {
        let facts = Relation::ALL.iter().flat_map(|&r| t.relation(r));
        let openings = [Kind::Disease, Kind::Drug, Kind::Symptom].into_iter().flat_map(|k| t.opening(k));
        facts.chain(openings).chain(t.cases).chain(t.neutral).copied().collect()
    }

    #[test]
    fn each_language_has_its_own_and_many_templates() {
        for lang in LANGUAGES {
            let t = Templates::of(lang);
            assert_eq!(t.lang, lang);
            let of_documents = documents(t);
            let distinct: BTreeSet<_> = of_documents.iter().collect();
            assert_eq!(distinct.len(), of_documents.len(), "{lang}");
            assert!(distinct.len() >= 40, "{lang}: {}", distinct.len());
            // What the benchmark says is not what the model was pretrained on.
            assert!(t.benchmark.iter().all(|b| !distinct.contains(b)), "{lang}");
        }
    }

    #[test]
    fn facts_name_both_sides_and_openings_their_subject() {
        for t in LANGUAGES.map(Templates::of) {
            for template in Relation::ALL.iter().flat_map(|&r| t.relation(r)) {
                assert!(template.contains("{h}"), "{template}");
                assert!(template.contains("{t}") != template.contains("{ts}"), "{template}");
            }
            for kind in [Kind::Disease, Kind::Drug, Kind::Symptom] {
                assert!(t.opening(kind).iter().all(|o| o.matches('{').count() == 1 && o.contains("{h}")));
            }
            for template in t.neutral {
                assert!(!template.contains('{'), "{template}");
            }
            for template in documents(t) {
                assert!(t.lang == "zh" || !template.starts_with('{'), "{template}");
            }
        }
    }

    #[test]
    fn spanish_and_changes_before_i() {
        let es = Templates::of("es");
        assert_eq!(es.and("insomnio"), " e ");
        assert_eq!(es.and("hipotensión"), " e ");
        assert_eq!(es.and("hormigueo"), " y ");
        assert_eq!(es.and("tos"), " y ");
    }
}
