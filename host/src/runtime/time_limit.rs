//! A time limit that costs nothing while its future does not wait.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;

use tokio::time::Sleep;

/// The future's output, or `None` if it is not there at `deadline`. The timer is made when the
/// future waits for the first time: most linked calls never do.
pub async fn within<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    std::future::poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let timer =
            timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::within;

    #[tokio::test]
    async fn what_is_there_in_time_is_returned() {
        let far = Instant::now() + Duration::from_secs(60);
        assert_eq!(within(far, async { 1 }).await, Some(1));
        let late = std::future::pending::<()>();
        assert_eq!(within(Instant::now(), late).await, None);
    }
}
