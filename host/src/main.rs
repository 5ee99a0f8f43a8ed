//! The binary `kumiki`: reads the command line, runs the command, and turns its outcome into an
//! exit code. What each command does is left to the library's `cli`.

use std::process::ExitCode;

use kumiki::cli;

/// A request allocates some hundred times; with this allocator they cost half.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command_line = cli::command_line();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // A guest that computes holds its thread for a tick of 5 ms: looking for clients only after
        // 61 of them would keep the neighbours waiting.
        .event_interval(4)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the threads of the host could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(cli::run(command_line));
    // A guest or a file read that never ends must not keep the process: what had to be finished is.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
