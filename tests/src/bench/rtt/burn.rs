//! Work that keeps every processor busy, as stress(1) does, while others measure.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
};

use anyhow::Result;

/// Words that each thread walks through: more than a second-level cache holds.
const WORDS: usize = 1 << 18;

/// Threads at work, one for each processor; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Burners {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Burners {
    /// Starts them.
    pub(super) fn start() -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..thread::available_parallelism()?.get())
            .map(|_| {
                let stop = stop.clone();
                thread::spawn(move || burn(&stop))
            })
            .collect();
        Ok(Self { stop, threads })
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn burn(stop: &AtomicBool) {
    let mut words = vec![1u64; WORDS];
    while !stop.load(Relaxed) {
        let mut sum = 1u64;
        for word in &mut words {
            sum = sum.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(*word);
            *word = sum;
        }
        black_box(sum);
    }
}
