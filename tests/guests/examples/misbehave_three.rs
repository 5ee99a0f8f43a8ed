//! Hostile, by `wasi:http` 0.3: loops, traps, never answers, stalls its body or answers with an
//! error, as its path says.

use kumiki_guests::service::HandlerResult;
use kumiki_guests::wasip3::clocks::monotonic_clock::wait_for;
use kumiki_guests::wasip3::http::types::{ErrorCode, Fields, Request, Response};
use kumiki_guests::wasip3::{spawn, wit_future, wit_stream};

kumiki_guests::service!(handle);

/// In nanoseconds. A wait on nothing at all would be a deadlock, which the runtime sees at once.
const THIRTY_YEARS: u64 = 1_000_000_000_000_000_000;

async fn handle(request: Request) -> HandlerResult {
    let path = request.get_path_with_query().unwrap_or_default();
    match path.rsplit('/').next().unwrap_or_default() {
        "loop" => {
            let mut number = 0u64;
            loop {
                number = std::hint::black_box(number.wrapping_add(1));
            }
        }
        "trap" => panic!("internal detail of the guest"),
        "never" => {
            wait_for(THIRTY_YEARS).await;
            unreachable!()
        }
        "stall" => Ok(stall()),
        _ => Err(ErrorCode::InternalError(Some(
            "internal detail of the guest".into(),
        ))),
    }
}

/// A head, a first part, and then nothing more while the writer stays open.
fn stall() -> Response {
    let (mut writer, reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    spawn(async move {
        let _left = writer.write_all(b"the first part".to_vec()).await;
        wait_for(THIRTY_YEARS).await;
        drop((writer, trailers));
    });
    Response::new(Fields::new(), Some(reader), trailers_reader).0
}
