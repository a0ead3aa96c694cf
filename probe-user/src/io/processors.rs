//! Which processors a thread may run on.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors that this process may use, ascending.
pub fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else {
        return Vec::new();
    };
    (0..CpuSet::MAX_CPU)
        .filter(|cpu| set.is_set(*cpu))
        .collect()
}

/// Keeps the calling thread on these; `None`: wherever the kernel wants it. A kernel
/// that refuses is not argued with: it costs some speed.
pub fn stay_on(processors: Option<&[usize]>) {
    let Some(processors) = processors else {
        return;
    };
    let mut set = CpuSet::new();
    for processor in processors {
        set.set(*processor);
    }
    let _ = sched_setaffinity(None, &set);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stays_where_it_is_told_to() {
        let all = allowed();
        assert!(!all.is_empty());
        let last = vec![all[all.len() - 1]];
        let seen = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                stay_on(Some(&last));
                allowed()
            });
            thread.join().expect("ends")
        });
        assert_eq!(seen, last);
        assert_eq!(allowed(), all);
    }
}
