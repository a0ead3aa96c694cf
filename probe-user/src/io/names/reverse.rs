//! Addresses to names, in the background.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::threads::{Threads, lock};

/// The name of an address, if it has one. Blocks.
type Lookup = dyn Fn(IpAddr) -> Option<String> + Send + Sync;

/// Looks names up as addresses are met, each once, and keeps them.
///
/// Names are what the resolver says: untrusted text.
pub struct Reverse {
    lookup: Arc<Lookup>,
    threads: Threads,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    names: Mutex<Names>,
    /// Told of each answer.
    answered: Notify,
}

/// How far the lookup of an address is.
enum State {
    Awaited,
    Answered(Option<String>),
}

#[derive(Default)]
struct Names {
    states: HashMap<IpAddr, State>,
    awaited: usize,
}

impl Reverse {
    /// Asks the system's resolver.
    pub fn new() -> Self {
        Self::by(Arc::new(|address| dns_lookup::lookup_addr(&address).ok()))
    }

    fn by(lookup: Arc<Lookup>) -> Self {
        Self {
            lookup,
            threads: Threads::default(),
            shared: Arc::default(),
        }
    }

    /// Starts to look up an address, unless it was asked for before; says whether.
    /// Returns at once.
    pub fn request(&self, address: IpAddr) -> bool {
        let mut names = lock(&self.shared.names);
        if names.states.contains_key(&address) {
            return false;
        }
        names.states.insert(address, State::Awaited);
        names.awaited += 1;
        drop(names);
        let answer = Answer {
            address,
            name: None,
            shared: Arc::clone(&self.shared),
        };
        let lookup = Arc::clone(&self.lookup);
        self.threads.call(move || answer.fill(lookup(address)));
        true
    }

    /// Waits for all names asked for, at most until `deadline`.
    pub async fn settle(&self, deadline: Instant) {
        loop {
            let answered = self.shared.answered.notified();
            if lock(&self.shared.names).awaited == 0 {
                return;
            }
            if timeout_at(deadline, answered).await.is_err() {
                return;
            }
        }
    }

    /// Whether none of `addresses` is being looked up any more.
    pub fn all_known(&self, addresses: impl IntoIterator<Item = IpAddr>) -> bool {
        let names = lock(&self.shared.names);
        let awaited = |address| matches!(names.states.get(&address), Some(State::Awaited));
        !addresses.into_iter().any(awaited)
    }

    /// The name of an address, if it is known by now.
    pub fn name(&self, address: IpAddr) -> Option<String> {
        match lock(&self.shared.names).states.get(&address) {
            Some(State::Answered(name)) => name.clone(),
            _ => None,
        }
    }
}

impl Default for Reverse {
    fn default() -> Self {
        Self::new()
    }
}

/// A place for a name. Also a lookup that never ran is answered, by being dropped.
struct Answer {
    address: IpAddr,
    name: Option<String>,
    shared: Arc<Shared>,
}

impl Answer {
    fn fill(mut self, name: Option<String>) {
        self.name = name;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let mut names = lock(&self.shared.names);
        names
            .states
            .insert(self.address, State::Answered(self.name.take()));
        names.awaited -= 1;
        drop(names);
        self.shared.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use super::*;

    const FAR: Duration = Duration::from_secs(60);

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[tokio::test]
    async fn the_system_knows_localhost() {
        let reverse = Reverse::new();
        let localhost = IpAddr::from([127, 0, 0, 1]);
        reverse.request(localhost);
        reverse.settle(Instant::now() + FAR).await;
        assert_eq!(reverse.name(localhost).as_deref(), Some("localhost"));
    }

    #[tokio::test]
    async fn each_address_is_asked_for_once_and_its_answer_kept() {
        let lookups = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&lookups);
        let reverse = Reverse::by(Arc::new(move |address| {
            counted.fetch_add(1, Ordering::Relaxed);
            (address != self::address(0)).then(|| format!("host-{address}"))
        }));
        for _ in 0..3 {
            for last in 0..200 {
                reverse.request(address(last));
            }
            reverse.settle(Instant::now() + FAR).await;
        }
        assert_eq!(lookups.load(Ordering::Relaxed), 200);
        assert_eq!(reverse.name(address(0)), None);
        assert_eq!(reverse.name(address(7)).as_deref(), Some("host-192.0.2.7"));
        assert_eq!(reverse.name(address(201)), None);
        assert!(reverse.all_known((0..200).map(address)));
    }

    #[test]
    fn a_resolver_that_never_answers_holds_up_nothing() {
        let (never, answer) = mpsc::channel::<()>();
        let answer = Mutex::new(answer);
        let reverse = Reverse::by(Arc::new(move |_| {
            let _ = lock(&answer).recv();
            None
        }));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let runtime = runtime.expect("a runtime");
        for last in 0..100 {
            reverse.request(address(last));
        }
        runtime.block_on(reverse.settle(Instant::now() + Duration::from_millis(1)));
        assert_eq!(reverse.name(address(1)), None);
        assert!(!reverse.all_known([address(1)]));
        drop(reverse);
        drop(runtime);
        drop(never);
    }
}
