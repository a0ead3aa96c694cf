//! A few threads for calls that block.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Most calls at a time.
pub(super) const MOST: usize = 32;

type Call = Box<dyn FnOnce() + Send>;

/// Up to [`MOST`] threads, which come with calls and go when none is left. They are
/// detached: a runtime's own threads for blocking calls would hold up its shutdown.
#[derive(Clone, Default)]
pub(super) struct Threads {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Call>,
    running: usize,
}

impl Threads {
    /// Takes a call and returns at once. Where no thread can be had at all, the call
    /// is dropped, and with it whatever it would have sent its result by.
    pub(super) fn call(&self, call: impl FnOnce() + Send + 'static) {
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(Box::new(call));
        if queue.running == MOST {
            return;
        }
        let shared = Arc::clone(&self.queue);
        let thread = thread::Builder::new().name("probe-names".to_owned());
        match thread.spawn(move || work(&shared)) {
            Ok(_detached) => queue.running += 1,
            Err(_) if queue.running == 0 => queue.waiting.clear(),
            Err(_) => {}
        }
    }
}

fn work(queue: &Mutex<Queue>) {
    while let Some(call) = next(queue) {
        call();
    }
}

/// The next call; without one, the thread is counted out under the same lock.
fn next(queue: &Mutex<Queue>) -> Option<Call> {
    let mut queue = lock(queue);
    let call = queue.waiting.pop_front();
    if call.is_none() {
        queue.running -= 1;
    }
    call
}

/// Locks; no state here is broken by a panic elsewhere.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[test]
    fn every_call_runs_and_no_more_than_the_limit_at_a_time() {
        let threads = Threads::default();
        let (done, results) = mpsc::channel();
        let running = Arc::new(Mutex::new((0, 0)));
        for _ in 0..4 * MOST {
            let (done, running) = (done.clone(), Arc::clone(&running));
            threads.call(move || {
                let mut now = lock(&running);
                now.0 += 1;
                now.1 = now.1.max(now.0);
                drop(now);
                thread::sleep(Duration::from_millis(2));
                lock(&running).0 -= 1;
                let _ = done.send(());
            });
        }
        drop(done);
        assert_eq!(results.iter().count(), 4 * MOST);
        assert!(lock(&running).1 <= MOST);
    }
}
