//! `kbioxlm demo`

use crate::progress::{bar, print_json};
use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;
use kbioxlm_demo::{Options, Progress};
use std::io::Write;
use std::path::PathBuf;

/// Run the whole pipeline on embedded data, without network, in a few minutes
///
/// A trilingual knowledge base, documents about it, the anchored corpus, a small model pretrained and fine-tuned on it; shown is
/// what the model can do before and after anchoring.
#[derive(Args)]
pub struct DemoArgs {
    /// Keep everything that is made in this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &DemoArgs) -> Result<()> {
    let options = Options { out: args.out.clone(), ..Options::default() };
    let mut stages = Stages { what: "", bar: ProgressBar::hidden() };
    let report = kbioxlm_demo::run(&options, &mut stages)?;
    stages.bar.finish_and_clear();
    if args.json {
        return print_json(&report);
    }
    writeln!(std::io::stdout(), "{report}")?;
    if let Some(out) = &args.out {
        writeln!(std::io::stdout(), "\neverything that was made: {}", out.display())?;
    }
    Ok(())
}

/// A bar for each part of the demo.
struct Stages {
    what: &'static str,
    bar: ProgressBar,
}

impl Progress for Stages {
    fn stage(&mut self, what: &'static str) {
        self.bar.finish_and_clear();
        tracing::info!("{what}");
        self.what = what;
        self.bar = ProgressBar::hidden();
    }

    fn advance(&mut self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar = bar(total, self.what);
        }
        self.bar.set_position(done);
    }
}
