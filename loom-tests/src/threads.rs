//! How many threads a model runs: loom opens a span named `thread` for each, numbered from
//! zero, and we look at the spans of one execution.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use loom::model::Builder;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Runs `f` once and counts its threads, the main one included.
pub(crate) fn of_one_execution(builder: &Builder, f: impl Fn() + Sync + Send + 'static) -> usize {
    let mut once = Builder::new();
    once.preemption_bound = builder.preemption_bound;
    once.max_branches = builder.max_branches;
    // loom tests its limit before an execution and counts from one.
    once.checkpoint_interval = 1;
    once.max_permutations = Some(2);
    let counter = Counter::default();
    let threads = counter.threads.clone();
    tracing::subscriber::with_default(counter, || once.check(f));
    threads.load(Ordering::Relaxed)
}

/// Remembers the highest `id` of a span named `thread`; loom counts threads from zero in every execution.
#[derive(Default)]
struct Counter {
    threads: Arc<AtomicUsize>,
    spans: AtomicU64,
}

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "thread"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Highest(&self.threads));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Highest<'a>(&'a AtomicUsize);

impl Visit for Highest<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "id" {
            self.0.fetch_max(usize::try_from(value).unwrap_or(usize::MAX - 1) + 1, Ordering::Relaxed);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
