//! Ctrl-C and SIGTERM: the running step is finished and saved.

use anyhow::Result;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a run that was told to stop, and saved: what comes after it in a script must not take it for done.
pub const INTERRUPTED: u8 = 130;

/// A flag that Ctrl-C and SIGTERM raise; a second signal ends the process at once.
pub fn stop_on_interrupt() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    on_signal(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(INTERRUPTED.into());
        }
        // Nothing can be done about a closed stderr here.
        let _ = writeln!(std::io::stderr(), "\ninterrupted: finishing this step and saving; once more stops at once");
    })?;
    Ok(stop)
}

/// Ctrl-C and SIGTERM; SIGHUP, which the library takes too, stays what it was: `nohup` counts on it.
fn on_signal(handle: impl Fn() + Send + 'static) -> Result<()> {
    #[cfg(unix)]
    use nix::sys::signal::{SigHandler, Signal, signal};
    #[cfg(unix)]
    // SAFETY: no handler of ours is installed, and the default one runs no code of the program.
    let hangup = unsafe { signal(Signal::SIGHUP, SigHandler::SigDfl)? };
    ctrlc::set_handler(handle)?;
    #[cfg(unix)]
    // SAFETY: at the start of a program this is the default or nothing (`nohup`); neither runs code of the program.
    unsafe {
        signal(Signal::SIGHUP, hangup)?;
    }
    Ok(())
}
