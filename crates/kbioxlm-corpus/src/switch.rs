//! Code-switching of texts that have labels of their own, such as those of a benchmark.

use crate::anchor::{Anchor, Marked};
use crate::entity::{choose, replace};
use crate::{AnchorConfig, Result, Span};
use kbioxlm_files::rng_for;
use kbioxlm_knowledge::{KnowledgeBase, Matcher};
use std::ops::Range;

/// Replaces mentions in texts by names of their concepts in other languages, as the entity level of a corpus does, and tells where
/// labelled parts of the text have gone.
pub struct CodeSwitcher<'a> {
    anchor: Anchor<'a>,
    matcher: Matcher,
    lang: &'a str,
}

/// A text that was code-switched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The new text.
    pub text: String,
    /// Where the labelled parts are in it, in bytes, in the order in which they were given.
    pub kept: Vec<Range<usize>>,
}

impl<'a> CodeSwitcher<'a> {
    /// `lang`: language of the texts. Of the settings those matter that say which mentions are switched, how many, and to what;
    /// `languages` must have another one.
    ///
    /// # Errors
    /// The knowledge base has no names in `lang`; settings that cannot be followed.
    pub fn new(kb: &'a KnowledgeBase, config: &'a AnchorConfig, lang: &'a str) -> Result<Self> {
        config.check_switching(kb, lang)?;
        Ok(Self { anchor: Anchor::new(kb, config)?, matcher: Matcher::new(kb, lang)?, lang })
    }

    /// Switches a text whose parts `kept` (in bytes) have labels; `None` if nothing in it can be switched. A mention that begins
    /// or ends inside of such a part, while the other end is outside of it, is left as it is, as is one with a border of a part
    /// inside of it: of what it becomes nobody could say where the part ends.
    ///
    /// The result depends on the seed of the settings, the language and `id`.
    pub fn switch(&self, id: &str, text: &str, kept: &[Range<usize>]) -> Option<Switched> {
        let cuts = |m: &Range<usize>, at: usize| m.start < at && at < m.end;
        let whole = |m: &Marked| kept.iter().all(|k| !cuts(&m.bytes, k.start) && !cuts(&m.bytes, k.end));
        let mentions: Vec<Marked> = self.anchor.mark(&self.matcher, text).into_iter().filter(whole).collect();
        let mut rng = rng_for(self.anchor.config.seed, &["code-switch", self.lang, id]);
        let replacements = choose(&self.anchor, self.lang, text, &mentions, &mut rng);
        let (new, spans) = replace(text, &mentions, &replacements)?;
        let place = |kept: &Range<usize>| {
            let start = place(text, &new, &mentions, &spans, kept.start, Border::Start)?;
            Some(start..place(text, &new, &mentions, &spans, kept.end, Border::End)?)
        };
        let kept = kept.iter().map(place).collect::<Option<_>>()?;
        Some(Switched { text: new, kept })
    }
}

#[derive(Copy, Clone, PartialEq)]
enum Border {
    Start,
    End,
}

/// Where a border is that no mention has inside of it.
fn place(text: &str, new: &str, mentions: &[Marked], spans: &[Span], at: usize, border: Border) -> Option<usize> {
    // At a border of a mention it is that of what stands in its place, whatever space has come between.
    let own = mentions.iter().zip(spans).find_map(|(m, s)| match border {
        Border::Start => (m.bytes.start == at).then_some(s.bytes.start),
        Border::End => (m.bytes.end == at).then_some(s.bytes.end),
    });
    if own.is_some() {
        return own;
    }
    let behind = mentions.partition_point(|m| m.bytes.end <= at);
    let (old_start, new_start) = match behind.checked_sub(1) {
        Some(n) => (mentions.get(n)?.bytes.end, spans.get(n)?.bytes.end),
        None => (0, 0),
    };
    let old_end = mentions.get(behind).map_or(text.len(), |m| m.bytes.start);
    let new_end = spans.get(behind).map_or(new.len(), |s| s.bytes.start);
    // What is between mentions stays as it is, but for a space before or behind it.
    let lead = new.get(new_start..new_end)?.find(text.get(old_start..old_end)?)?;
    Some(new_start + lead + (at - old_start))
}
