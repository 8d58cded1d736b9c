//! How training goes on: a bar on a terminal, a line now and then elsewhere.

use crate::progress::{bar, memory};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use kbioxlm_plot::grouped;
use kbioxlm_train::{
    EpochScore, Evaluation, HeldOutMetrics, HeldOutTasks, NamesFound, Observer, RetrievalMetrics, StepMetrics,
    TaskMetrics,
};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Time between two lines where stderr is no terminal.
const PAUSE: Duration = Duration::from_secs(30);
/// Share of a new value in a running mean: single steps say little.
const NEW: f64 = 0.1;

/// Follows training on stderr.
pub struct TrainingBar {
    what: &'static str,
    bar: ProgressBar,
    /// Without a terminal: when the last line was written.
    spoken: Option<Instant>,
    news: News,
}

impl TrainingBar {
    /// A bar that appears with the first news.
    pub fn new(what: &'static str) -> Self {
        Self { what, bar: ProgressBar::hidden(), spoken: None, news: News::default() }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for TrainingBar {
    fn encoding(&mut self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar = bar(total, "tokenising");
        }
        self.bar.set_position(done);
    }

    fn initialised(&mut self, tensors: &[String]) {
        if let Some(first) = tensors.first() {
            tracing::info!("the base model has no {first}{}: initialised", others(tensors.len() - 1));
        }
    }

    fn start(&mut self, done: u64, total: u64) {
        self.bar.finish_and_clear();
        if done > 0 {
            tracing::info!("going on after step {done} of {total}");
        }
        self.bar = ProgressBar::new(total);
        // The template is a constant: if it did not parse, the default style would do.
        if let Ok(style) =
            ProgressStyle::with_template("{wide_msg}\n{prefix} {wide_bar:.cyan/dim} {human_pos}/{human_len} {eta}")
        {
            self.bar.set_style(style.progress_chars("━━─"));
        }
        self.bar.set_prefix(self.what);
        self.bar.set_position(done);
        self.bar.reset_eta();
        self.spoken = (!std::io::stderr().is_terminal()).then(Instant::now);
        self.news = News { total, ..News::default() };
    }

    fn evaluation(&mut self, evaluation: &Evaluation) {
        self.bar.suspend(|| {
            let step = evaluation.step;
            if let Some(HeldOutMetrics { all, .. }) = &evaluation.held_out {
                let HeldOutTasks { entity_mlm, relation_mlm, prp, tagging, .. } = all;
                let tasks =
                    [("entities", entity_mlm), ("relations", relation_mlm), ("passages", prp), ("mentions", tagging)];
                let score = |(name, task): (&str, &Option<TaskMetrics>)| {
                    task.as_ref().map(|t| format!(", {name} {:.1} % (loss {:.3})", 100.0 * t.accuracy, t.loss))
                };
                let scores: String = tasks.into_iter().filter_map(score).collect();
                tracing::info!("step {step}: held out: {} examples{scores}", all.examples);
            }
            for line in evaluation.retrieval.iter().map(names_found) {
                tracing::info!("step {step}: names {line}");
            }
        });
    }

    fn warning(&mut self, message: &str) {
        self.bar.suspend(|| tracing::warn!("{message}"));
    }

    fn step(&mut self, metrics: &StepMetrics) {
        self.news.add(metrics);
        if let Some(spoken) = &mut self.spoken {
            if spoken.elapsed() >= PAUSE {
                *spoken = Instant::now();
                tracing::info!("{}: {}", self.what, self.news.line(memory("VmRSS")));
            }
            return;
        }
        self.bar.set_position(metrics.step);
        self.bar.set_message(self.news.state(memory("VmRSS")));
    }

    fn epoch(&mut self, e: &EpochScore) {
        let best = if e.best { ", the best so far" } else { "" };
        let EpochScore { epoch, loss, score, watched, .. } = e;
        let dev = score.map(|score| format!(", dev score {:.2}{best}", 100.0 * score)).unwrap_or_default();
        let watched: String = watched.iter().map(|(name, score)| format!(", {name} {:.2}", 100.0 * score)).collect();
        self.bar.suspend(|| tracing::info!("epoch {epoch}: loss {loss:.4}{dev}{watched}"));
    }
}

/// How many names were found, in words.
pub fn names_found(search: &RetrievalMetrics) -> String {
    let found = |what: &str, names: Option<NamesFound>| {
        names.map(|n| {
            let [first, five] = [n.accuracy_at_1, n.accuracy_at_5].map(|a| 100.0 * a);
            format!("{what} {first:.1} % at 1 and {five:.1} % at 5 of {}", n.concepts)
        })
    };
    let groups = [found("held out", search.held_out), found("anchored", search.anchored)];
    let groups: Vec<String> = groups.into_iter().flatten().collect();
    format!("{} → {}: {}, among {} names", search.from, search.to, groups.join("; "), search.names)
}

fn others(n: usize) -> String {
    if n == 0 { String::new() } else { format!(" and {n} more tensors") }
}

/// What is told of the last steps: running means.
#[derive(Default)]
struct News {
    total: u64,
    step: u64,
    /// The whole loss, then those of the tasks.
    losses: [Option<f64>; 6],
    speed: Option<f64>,
    /// Of a step. The last ones tell how long the rest will take: while the encoder is frozen, steps are far shorter.
    seconds: Option<f64>,
    skipped: u64,
}

impl News {
    fn add(&mut self, metrics: &StepMetrics) {
        self.step = metrics.step;
        if metrics.skipped {
            self.skipped += 1;
            return;
        }
        let loss = |task: Option<TaskMetrics>| task.map(|task| task.loss);
        let StepMetrics { loss: all, entity_mlm, relation_mlm, prp, tagging, alignment, .. } = *metrics;
        let tasks = [entity_mlm, relation_mlm, prp, tagging, alignment].map(loss);
        let new = std::iter::once(Some(all)).chain(tasks);
        let mean = |old: Option<f64>, new: f64| Some(old.map_or(new, |old| old + NEW * (new - old)));
        for (old, new) in self.losses.iter_mut().zip(new) {
            *old = new.map_or(*old, |new| mean(*old, new));
        }
        self.speed = mean(self.speed, metrics.tokens_per_second);
        self.seconds = mean(self.seconds, metrics.seconds);
    }

    /// Losses, speed and memory, in some 90 columns with all four losses.
    fn state(&self, memory: Option<u64>) -> String {
        let [all, tasks @ ..] = self.losses;
        let tasks = ["entity", "relation", "passage", "mentions", "names"].into_iter().zip(tasks);
        let mut parts: Vec<String> = tasks.filter_map(|(name, loss)| Some(format!("{name} {:.3}", loss?))).collect();
        if parts.is_empty() {
            parts.extend(all.map(|loss| format!("loss {loss:.3}")));
        } else if let Some(first) = parts.first_mut() {
            first.insert_str(0, "loss: ");
        }
        parts.extend(self.speed.map(|speed| format!("{} tokens/s", grouped(speed as u64))));
        parts.extend(memory.map(|bytes| format!("{:.1} GB", bytes as f64 / 1e9)));
        if self.skipped > 0 {
            parts.push(format!("{} skipped", self.skipped));
        }
        parts.join(" · ")
    }

    /// The same with place and remaining time, for a log.
    fn line(&self, memory: Option<u64>) -> String {
        let left = self.total.saturating_sub(self.step) as f64 * self.seconds.unwrap_or_default();
        let left = HumanDuration(Duration::try_from_secs_f64(left).unwrap_or_default());
        format!("step {} of {} · {} · {left} left", grouped(self.step), grouped(self.total), self.state(memory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, loss: f64) -> StepMetrics {
        let task = |loss| Some(TaskMetrics { loss, accuracy: 0.5, count: 10 });
        StepMetrics {
            step,
            epoch: 0,
            learning_rate: 1e-4,
            loss,
            entity_mlm: task(loss),
            relation_mlm: None,
            prp: if step == 1 { task(1.0) } else { None },
            tagging: None,
            alignment: None,
            grad_norm: 1.0,
            skipped: loss.is_nan(),
            tokens: 2048,
            tokens_per_second: 123_456.0,
            seconds: 1.0,
        }
    }

    #[test]
    fn the_news_are_running_means() {
        let mut news = News { total: 2000, ..News::default() };
        assert_eq!(news.state(None), "");
        news.add(&step(1, 10.0));
        assert_eq!(news.state(None), "loss: entity 10.000 · passage 1.000 · 123,456 tokens/s");
        news.add(&step(2, 9.0));
        news.add(&step(3, f64::NAN));
        let state = news.state(Some(15_940_000_000));
        assert_eq!(state, "loss: entity 9.900 · passage 1.000 · 123,456 tokens/s · 15.9 GB · 1 skipped");
        assert!(news.line(None).starts_with("step 3 of 2,000 · loss: entity 9.900"), "{}", news.line(None));
        assert!(news.line(None).ends_with(" 33 minutes left"), "{}", news.line(None));
        for n in 4..200 {
            news.add(&StepMetrics { seconds: 6.0, ..step(n, 9.0) });
        }
        assert!(news.line(None).ends_with(" 3 hours left"), "fast steps at the start say nothing: {}", news.line(None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_needs_memory() {
        assert!(memory("VmRSS").is_some_and(|bytes| bytes > 1_000_000));
    }
}
