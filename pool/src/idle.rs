//! What a worker does when it has nothing to do: search, announce, search once more, sleep.
//!
//! The order of the steps is the wake path's (`sleep/README.md`); what a search looks at is in `search.rs`.

use reveille_futex::Platform;
use reveille_futex::sync::atomic::{Ordering, fence};
use reveille_futex::sync::hint;

use crate::Worker;
use crate::events::Event as Doing;
use crate::idle_policy::{Budget, CONSIDERATE, EAGER, Habit, Round};
use crate::job::{Job, TaskRef};
use crate::search::Work;
use crate::seat::Seat;
use crate::signal::Signal;
use crate::sleep::Parked;
use crate::stack::{CAN_BE_LAZY, Slot, heavy};

/// What a worker does while another one has its task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitPolicy {
    /// Runs whatever there is: first what the thief itself has forked, then anything. Nothing waits that could run.
    ///
    /// Not for a join under a lock: a task that runs meanwhile may want the same lock.
    #[default]
    Any,
    /// Runs only what the thief has forked, which is part of the awaited task.
    Leapfrog,
    /// Runs nothing and sleeps. The thread counts as busy, so the pool must have another one.
    Park,
}

/// What an idle worker waits for.
pub(crate) trait Event {
    /// Whether it has happened.
    fn is_done(&self) -> bool;

    /// Whether it has happened, for a look between two pauses.
    fn is_done_already(&self) -> bool {
        self.is_done()
    }

    /// Asks for a wake of this worker's park word when it happens; `false` if it has.
    fn watch(&self) -> bool;
}

/// A search is made for each event that ends it, so that asking for it costs no call.
#[cfg(not(all(target_os = "none", target_pointer_width = "32")))]
impl<P: Platform> Worker<P> {
    /// Runs whatever there is until the event has happened.
    #[inline]
    pub(crate) fn work_until(&self, event: &impl Event) {
        self.work_on(event, Habit::default());
    }

    /// [`work_until`](Self::work_until), with what is known of the work to come.
    #[inline]
    pub(crate) fn work_until_with(&self, event: &impl Event, habit: Habit) {
        self.work_on(event, habit);
    }
}

/// A core of 32 bits without an operating system has no flash for more than one search.
#[cfg(all(target_os = "none", target_pointer_width = "32"))]
mod one_search {
    use reveille_futex::Platform;

    use super::Event;
    use crate::Worker;
    use crate::idle_policy::Habit;
    use crate::pool::Closing;
    use crate::signal::Signal;

    /// The events that there are: a signal, or else that the pool closes.
    struct Either<'a, P: Platform>(Option<&'a Signal>, Closing<'a, P>);

    impl<P: Platform> Event for Either<'_, P> {
        fn is_done(&self) -> bool {
            match self.0 {
                Some(signal) => signal.is_done(),
                None => self.1.is_done(),
            }
        }

        fn watch(&self) -> bool {
            match self.0 {
                Some(signal) => signal.watch(),
                None => self.1.watch(),
            }
        }
    }

    /// An event as one of them.
    pub(crate) trait Known<P: Platform>: Event {
        fn signal(&self) -> Option<&Signal>;
    }

    impl<P: Platform> Known<P> for Signal {
        fn signal(&self) -> Option<&Signal> {
            Some(self)
        }
    }

    /// Of the worker that asks.
    impl<P: Platform> Known<P> for Closing<'_, P> {
        fn signal(&self) -> Option<&Signal> {
            None
        }
    }

    impl<P: Platform> Worker<P> {
        /// Runs whatever there is until the event has happened.
        pub(crate) fn work_until(&self, event: &impl Known<P>) {
            self.work_on(&Either(event.signal(), Closing(self)), Habit::default());
        }

        /// `work_until`: nothing is known of the work to come, since there is no search that it would change.
        pub(crate) fn work_until_with(&self, event: &impl Known<P>, _: Habit) {
            self.work_until(event);
        }
    }
}

impl Event for Signal {
    fn is_done(&self) -> bool {
        Signal::is_done(self)
    }

    fn watch(&self) -> bool {
        Signal::watch(self)
    }
}

impl<P: Platform> Worker<P> {
    /// Waits for a stolen slot.
    pub(crate) fn wait_for_slot(&self, slot: &Slot<Job<P>>, policy: WaitPolicy) {
        self.core().assert_not_inherited(); // the thief may have stayed in the parent
        match policy {
            WaitPolicy::Any => self.work_until(&slot.done),
            WaitPolicy::Leapfrog => self.leapfrog(slot),
            WaitPolicy::Park => slot.done.block::<P>(),
        }
    }

    /// Runs whatever there is until the event has happened.
    fn work_on(&self, event: &impl Event, mut habit: Habit) {
        let mut source = None;
        while !event.is_done() {
            if let Some(task) = self.own_task().or_else(|| source.and_then(|victim| self.another_of(victim))) {
                self.run_task(task); // not idle at all
                continue;
            }
            let Some(work) = self.next_work(event, &mut habit) else { return };
            source = work.source();
            self.run(work);
        }
    }

    /// Searches, and sleeps, until there is work or the event has happened.
    fn next_work(&self, event: &impl Event, habit: &mut Habit) -> Option<Work<'_, P>> {
        let sleep = &self.core().sleep;
        sleep.start_search();
        let mut budget = Budget::new(*habit);
        let mut long_rest = false;
        let mut patience = Patience::new();
        loop {
            if event.is_done() {
                self.end_search(false);
                return None;
            }
            if let Some(task) = self.take_mail(habit, long_rest) {
                return Some(Work::Task(task));
            }
            if !self.core().is_crowded() {
                if let Some(work) = self.search() {
                    *habit = habit.after_work(work.is_task(), long_rest);
                    self.end_search(work.may_have_siblings());
                    return Some(work);
                }
                patience.look(self);
            }
            if let Some(round) = budget.next_round::<P>(&self.core().idle_policy, || self.search_of_others()) {
                pass::<P>(round, event);
                continue;
            }
            if let Some(work) = self.own_join() {
                self.end_search(false);
                return Some(work); // rather than sleep on it
            }
            let snapshot = sleep.announce();
            // In a crowd too: nobody else may run it.
            if let Some(task) = self.take_mail(habit, long_rest) {
                return Some(Work::Task(task));
            }
            // Asked after the announcement: a thread that stops being active later posts, and that moves the JEC.
            if !self.core().is_crowded() {
                if let Some(work) = self.last_search() {
                    *habit = habit.after_work(work.is_task(), long_rest);
                    self.end_search(work.may_have_siblings());
                    return Some(work);
                }
                if self.someone_has_private() {
                    // It was being published, or taken back: not quiet yet. The look above interrupts whoever does that.
                    budget.extend();
                    P::yield_now();
                    continue;
                }
            }
            self.core().assert_not_inherited(); // nobody would wake it
            self.tell(Doing::ParkBegin);
            let parked = sleep.park(&self.seat().park, snapshot, || event.watch());
            self.tell(Doing::ParkEnd);
            if parked == Parked::Slept {
                self.seat().stats.parks.add_one();
                long_rest = budget.was_long_rest::<P>();
                *habit = habit.after_sleep();
                budget = Budget::new(*habit);
            }
        }
    }

    /// Mail, which ends the search.
    fn take_mail(&self, habit: &mut Habit, long_rest: bool) -> Option<TaskRef<P>> {
        let task = self.open_mail()?;
        *habit = habit.after_mail(long_rest);
        self.end_search(false);
        Some(task)
    }

    /// How many searchers there are more than enough, and how many pauses the others have a right to between two looks of this
    /// one.
    fn search_of_others(&self) -> (usize, u32) {
        let counts = self.core().sleep.counts();
        let active = self.core().active(counts.idle());
        // Few workers search at once: if more search than work, or nobody may work, this one need not.
        let crowded = active >= self.core().parallelism();
        let excess = if crowded { usize::MAX } else { counts.searching().saturating_sub(active.max(1)) };
        (excess, if active == 0 { EAGER } else { CONSIDERATE })
    }

    /// Passes the search on, if there is reason to think that there is more (M20).
    ///
    /// Also when others still search: one of them may have looked before the work was posted, and the poster trusted this
    /// worker. Moving the JEC makes it look again, even if the counter has rolled over to its snapshot meanwhile.
    fn end_search(&self, siblings: bool) {
        let core = self.core();
        let left = core.sleep.end_search();
        if left.idle() == 0 {
            return;
        }
        if left.sleeping() > 0 {
            // What a sleeper asked for may have been published when there were threads enough, and nobody was woken: the
            // first fork looks again.
            self.seat().stack.ask();
        }
        // A thread that is active may just have forked in private, unseen: a searcher will make it publish.
        let others_are_active = CAN_BE_LAZY && core.active(left.idle()) > 1;
        if siblings || others_are_active || core.has_visible_work() {
            self.posted();
        }
    }

    /// The search between the announcement and the sleep: nothing may stay hidden.
    fn last_search(&self) -> Option<Work<'_, P>> {
        let core = self.core();
        if CAN_BE_LAZY {
            core.others(self.index()).for_each(|seat| seat.stack.ask());
        }
        // Between the requests and the count of active threads. Pairs with the fences in `Sleep::end_search` and `Core::joined`,
        // by which a thread becomes active: either it sees that it is asked when it forks, or it is counted here.
        fence(Ordering::SeqCst);
        if CAN_BE_LAZY && core.active(core.sleep.counts().idle()) > 0 {
            heavy::<P>(); // the askers' side of S5: the fork of a thread that is active already has a light barrier only
        }
        if let Some(work) = self.search() {
            return Some(work);
        }
        if !CAN_BE_LAZY {
            return None; // nothing is private
        }
        for seat in core.others(self.index()) {
            if seat.stack.has_private() && seat.stack.force::<P>() {
                self.seat().stats.exposures.add_one();
                self.tell(Doing::Exposure { victim: seat.index() });
                if let Some(work) = self.search() {
                    return Some(work);
                }
            }
        }
        None
    }

    fn someone_has_private(&self) -> bool {
        CAN_BE_LAZY && self.core().others(self.index()).any(|seat| seat.stack.has_private())
    }

    /// Helps the thief, and nobody else.
    fn leapfrog(&self, slot: &Slot<Job<P>>) {
        let mut budget = Budget::default();
        while !slot.done.is_done() {
            let thief = slot.thief();
            if let Some(work) = thief.and_then(|thief| self.steal_from(thief)) {
                budget = Budget::default();
                self.run(work);
                continue;
            }
            match budget.next_brief_round::<P>(CONSIDERATE) {
                Some(round) => pass::<P>(round, &slot.done),
                None => {
                    // The thief may fork again at any time, and nobody would tell this worker: look again soon.
                    if let Some(thief) = thief {
                        let stack = &self.core().seats()[thief].stack;
                        stack.ask();
                        if stack.has_private() && stack.force::<P>() {
                            self.seat().stats.exposures.add_one();
                            self.tell(Doing::Exposure { victim: thief });
                            continue;
                        }
                    }
                    slot.done.block_for::<P>(LOOK_AGAIN);
                }
            }
        }
    }
}

/// How often a searcher sees the same piece of work with private tasks, and nothing public, before it asks for some: about
/// 5 us. Work that is over sooner runs undisturbed; a request costs its owner several cache misses.
const PATIENCE: u32 = 7;

/// How often after a request that brought it nothing: what was made public was over too soon. More patience than that costs a
/// larger region, which may come next, more than it saves a small one.
const MORE_PATIENCE: u32 = 2 * PATIENCE;

/// What a searcher remembers from round to round.
struct Patience {
    seat: usize,
    episode: usize,
    rounds: u32,
    limit: u32,
}

impl Patience {
    fn new() -> Self {
        Patience { seat: 0, episode: 0, rounds: 0, limit: PATIENCE }
    }

    /// After a search that found nothing: asks the owner of private tasks that has been at it for a while.
    fn look<P: Platform>(&mut self, worker: &Worker<P>) {
        let hoards = |seat: &&Seat<P>| seat.stack.has_private() && !seat.stack.is_asked();
        let seat = if CAN_BE_LAZY { worker.core().others(worker.index()).find(hoards) } else { None };
        let Some(seat) = seat else { return };
        let (index, episode) = (seat.index(), seat.episode());
        if (self.seat, self.episode) != (index, episode) {
            *self = Patience { seat: index, episode, ..Patience::new() };
        }
        self.rounds += 1;
        if self.rounds == self.limit {
            self.rounds = 0;
            self.limit = MORE_PATIENCE;
            seat.stack.ask();
        }
    }
}

/// How long a leapfrogging worker sleeps before it looks again.
const LOOK_AGAIN: core::time::Duration = core::time::Duration::from_micros(500);

/// Passes the time between two looks.
fn pass<P: Platform>(round: Round, event: &impl Event) {
    match round {
        Round::Pause(times) => pause(times, event),
        Round::Yield => P::yield_now(),
    }
}

/// Pauses so often, unless the event happens.
pub(crate) fn pause(times: u32, event: &impl Event) {
    for _ in 0..times {
        if event.is_done_already() {
            return;
        }
        hint::spin_loop();
    }
}
