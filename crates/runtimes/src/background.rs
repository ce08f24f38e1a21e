//! What a mount does beside the calls.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Work that ends with the mount that began it, whether that is closed or dropped.
pub(crate) struct Background {
    stop: CancellationToken,
    tasks: TaskTracker,
}

// === impl Background ===

impl Background {
    /// Begins it. Must be called inside a runtime.
    pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Background {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(stop.clone().run_until_cancelled_owned(work));
        Background { stop, tasks }
    }

    /// Ends it, and returns when it has ended.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
