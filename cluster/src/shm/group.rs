//! A handle on a region: a member's, or that of somebody who only watches.
//!
//! *Invariant.* A name is claimed after its lock was taken. So a name that is claimed, whose lock nobody holds, belonged to
//! somebody who is dead or has left; and whoever has left has removed itself before it gave the lock back.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use reveille_barrier::{BitBarrier, BitMember, Names};
use reveille_futex::Deadline;
use reveille_futex::shared::Shared;
use reveille_futex::sync::atomic::{AtomicU64, Ordering};

use super::breakage::Breakage;
use super::entry::{Entry, following, not_after};
use super::lock::{self, Kind};
use super::region::{MEMBER, Mapping, refused};
use crate::{Epoch, Error, Outcome, Recorded, Report, WaitError};

/// How often a wait looks whether those that are missing are alive. A look costs a system call for each of them.
const PULSE: Duration = Duration::from_millis(20);

/// A handle on a region. See [`crate::Group`] for what the methods do; here a run is a phase, and after a wait that succeeded
/// the handle is in the next one.
pub struct Group {
    /// Dropped before the mapping that it lies in.
    member: Option<BitMember<'static, Shared>>,
    /// The member has arrived in this handle's phase.
    arrived: bool,
    phase: u32,
    /// Dropped after the member has left: closing the file gives back the locks.
    mapping: Mapping,
}

impl Group {
    pub(super) fn new(mapping: Mapping) -> Self {
        let phase = mapping.region().barrier.phase();
        Group { member: None, arrived: false, phase, mapping }
    }

    /// Where others can attach.
    pub fn path(&self) -> &Path {
        &self.mapping.path
    }

    /// Becomes the member of this name, from the present phase on. A handle is at most one member.
    ///
    /// Attach before you fork, join after: a child that was forked holds its parent's locks too.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] if there is no such member, if it lives, or if it has died or left, which is for good; or if this
    /// handle is a member already.
    pub fn join(&mut self, name: u32) -> Result<(), Error> {
        if self.member.is_some() {
            return Err(Error::Name("the handle is a member already"));
        }
        let Some(byte) = Names::one(name).map(|_| MEMBER + name) else {
            return Err(Error::Name("members have the numbers from 0 to 63"));
        };
        if !lock::try_lock(&self.mapping.file, byte, Kind::Exclusive).map_err(refused)? {
            return Err(Error::Name("that member lives"));
        }
        // SAFETY: the mapping stays valid while `member` exists, which is dropped before it; and all who use the barrier wait
        // and wake across processes.
        let barrier = unsafe { BitBarrier::attach(&raw const self.mapping.region().barrier) };
        let Ok(member) = barrier.claim(name) else {
            lock::unlock(&self.mapping.file, byte).map_err(refused)?;
            return Err(Error::Name("no member, or one that has died or left"));
        };
        self.phase = member.phase();
        self.arrived = false;
        self.member = Some(member);
        Ok(())
    }

    /// Who is waited for.
    pub fn members(&self) -> Vec<u32> {
        self.mapping.region().barrier.members().iter().collect()
    }

    /// Completes this member's task and waits for the others: a barrier. Blocks; the report is all that it allocates.
    ///
    /// *Ordering.* What every member did before it arrived happens before this returns `Ok`, in whichever process.
    ///
    /// ```
    /// use std::time::Duration;
    /// use reveille_cluster::shm::{self, Config};
    ///
    /// let region = shm::create_anonymous(&Config::new(2)).unwrap();
    /// std::thread::scope(|s| {
    ///     for name in 0..2 {
    ///         let path = region.path();
    ///         s.spawn(move || {
    ///             let mut member = shm::attach(path, Duration::ZERO).unwrap(); // in another process, usually
    ///             member.join(name).unwrap();
    ///             let report = member.arrive_and_wait(Duration::from_secs(10)).unwrap();
    ///             assert_eq!(report.outcomes.len(), 2);
    ///             member.arrive_and_wait(Duration::from_secs(10)).unwrap(); // before one of them leaves
    ///         });
    ///     }
    /// });
    /// ```
    ///
    /// # Errors
    ///
    /// As [`wait`](crate::Group::wait); [`Error::Name`] for a handle that is no member. After a timeout the arrival stands,
    /// and the next call goes on with it.
    pub fn arrive_and_wait(&mut self, timeout: Duration) -> Result<Report, WaitError> {
        if self.member.is_none() {
            return Err(Error::Name("the handle is no member").into());
        }
        if self.breakage().is_none() {
            self.arrive(false);
        }
        crate::Group::wait(self, timeout)
    }

    /// Removes the file. Whoever is attached stays so; nobody else comes.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], also for a region without a file.
    pub fn unlink(&self) -> Result<(), Error> {
        std::fs::remove_file(&self.mapping.path).map_err(refused)
    }

    /// Records the outcome, then arrives; returns who is missing, or nothing if it was done before.
    fn arrive(&mut self, failed: bool) -> Option<Names> {
        let member = self.member.as_mut().filter(|_| !self.arrived)?;
        let outcome = &self.mapping.region().outcomes[(self.phase % 2) as usize][member.name() as usize];
        // Relaxed: published by the arrival. It replaces the entry of the phase before last; see `report`.
        outcome.store(Entry::new(self.phase, failed).word(), Ordering::Relaxed);
        self.arrived = true;
        Some(member.arrive())
    }

    fn breakage(&self) -> Option<Breakage> {
        // Acquire: pairs with `break_with`; what led to it comes first.
        Breakage::read(self.mapping.region().broken.load(Ordering::Acquire))
    }

    fn break_with(&self, breakage: Breakage) {
        // Release: see `breakage`. The first one counts.
        let _ = self.mapping.region().broken.compare_exchange(0, breakage.word(), Ordering::Release, Ordering::Relaxed);
    }

    /// Looks which of the missing are dead, and does about it what the region says; returns whether there are any.
    fn bury(&self, missing: Names) -> Result<bool, Error> {
        let mut any = false;
        let region = self.mapping.region();
        let own = self.member.as_ref().map(BitMember::name);
        let claimed = region.barrier.claimed();
        for name in missing.iter().filter(|&name| claimed.contains(name) && Some(name) != own) {
            // After the look at the claims: see the file's invariant.
            if lock::holder(&self.mapping.file, MEMBER + name).map_err(refused)?.is_some() {
                continue;
            }
            if !region.barrier.members().contains(name) {
                continue; // it has left
            }
            any = true;
            if region.departs() {
                let departure = Entry::new(self.phase, false).word();
                // Relaxed: published by the removal. Others find the same phase.
                let _ = region.departures[name as usize].compare_exchange(
                    0,
                    departure,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                region.barrier.remove(name);
            } else {
                self.break_with(Breakage::died(name));
            }
        }
        Ok(any)
    }

    /// What came of the phase that is over; on to the next.
    fn report(&mut self) -> Result<Report, WaitError> {
        let region = self.mapping.region();
        let phase = self.phase;
        // Relaxed: the end of the phase, which was seen, published its entries. A later one says so itself.
        let read = |word: &AtomicU64| Entry::read(word.load(Ordering::Relaxed));
        let outcomes = region.outcomes[(phase % 2) as usize].each_ref().map(read);
        let departures = region.departures.each_ref().map(read);
        if let Some(member) = &mut self.member {
            let _ = member.wait_until(Deadline::PASSED); // over; on to the next
        }
        self.arrived = false;
        self.phase = following(phase);
        if outcomes.iter().flatten().any(|entry| !not_after(entry.phase(), phase)) {
            // Somebody has completed the phase after the next: what is left of this one is a part.
            let present = region.barrier.phase();
            self.phase = self.member.as_ref().map_or(present, BitMember::phase);
            return Err(WaitError::Superseded { by: region.epoch(present) });
        }
        let departed = |name: &usize| departures[*name].is_some_and(|entry| not_after(entry.phase(), phase));
        // Whoever died after it had recorded an outcome, and before it arrived, has an entry and has departed.
        let outcomes = outcomes.iter().enumerate().filter(|(name, _)| !departed(name)).filter_map(|(name, entry)| {
            let entry = entry.filter(|entry| entry.phase() == phase)?;
            let outcome = if entry.failed() { Outcome::Failed(String::new()) } else { Outcome::Done(Vec::new()) };
            Some((name.to_string(), outcome))
        });
        Ok(Report {
            epoch: region.epoch(phase),
            outcomes: outcomes.collect(),
            departed: (0..departures.len()).filter(departed).map(|name| name.to_string()).collect(),
        })
    }
}

fn in_words(names: Names) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

impl crate::Group for Group {
    fn epoch(&self) -> Epoch {
        self.mapping.region().epoch(self.phase)
    }

    /// A member completes its own task; [`Recorded::Unknown`] for any other.
    fn complete(&mut self, task: &str, outcome: Outcome) -> Result<Recorded, Error> {
        let Some(name) = self.member.as_ref().map(BitMember::name).filter(|name| name.to_string() == task) else {
            return Ok(Recorded::Unknown);
        };
        if self.breakage().is_some() {
            return Ok(Recorded::Cancelled);
        }
        let failed = matches!(outcome, Outcome::Failed(_));
        if failed && !self.arrived && self.mapping.region().fails_fast() {
            // Without an arrival: the phase must not complete for somebody else.
            self.arrived = true;
            self.break_with(Breakage::failed(name));
            let missing = self.mapping.region().barrier.missing();
            return Ok(Recorded::First { remaining: u64::from(missing.len()) - u64::from(missing.contains(name)) });
        }
        Ok(match self.arrive(failed) {
            Some(missing) => Recorded::First { remaining: u64::from(missing.len()) },
            None => Recorded::Duplicate,
        })
    }

    fn wait(&mut self, timeout: Duration) -> Result<Report, WaitError> {
        let deadline = Deadline::after(timeout);
        loop {
            let last = deadline == Deadline::PASSED || deadline <= Deadline::now();
            let look = if last { Deadline::PASSED } else { deadline.min(Deadline::after(PULSE)) };
            // A phase that is over is complete, whatever has happened since.
            let Err(missing) = self.mapping.region().barrier.wait_past(self.phase, look) else { return self.report() };
            if let Some(breakage) = self.breakage() {
                return Err(breakage.into());
            }
            match self.bury(missing)? {
                true => {} // that may have ended the phase, or broken it
                false if last => return Err(WaitError::Timeout { missing: in_words(missing) }),
                false => {}
            }
        }
    }

    fn missing(&mut self) -> Result<Vec<String>, Error> {
        let missing = self.mapping.region().barrier.wait_past(self.phase, Deadline::PASSED);
        Ok(missing.err().map_or(Vec::new(), in_words))
    }

    /// Ends this and all further runs. The reason is not carried.
    fn cancel(&mut self, _reason: &str) -> Result<(), Error> {
        self.break_with(Breakage::cancelled());
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.mapping.region().departs() {
            if let Some(member) = self.member.take() {
                self.break_with(Breakage::panicked(member.name()));
                // It does not leave: the phase must not complete without it.
                std::mem::forget(member);
            }
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("path", &self.mapping.path)
            .field("member", &self.member)
            .field("barrier", &self.mapping.region().barrier)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::{Config, OnDeath, attach, create_anonymous};

    #[test]
    fn whoever_dies_between_outcome_and_arrival_has_not_completed() {
        let region = create_anonymous(&Config::new(2).on_death(OnDeath::Depart)).unwrap();
        let [mut lives, mut dies] = [0, 1].map(|name| {
            let mut member = attach(region.path(), Duration::ZERO).unwrap();
            member.join(name).unwrap();
            member
        });
        dies.mapping.region().outcomes[0][1].store(Entry::new(0, false).word(), Ordering::Relaxed);
        // The kernel releases the lock; nothing else is done for the dead.
        std::mem::forget(dies.member.take());
        drop(dies);
        let report = lives.arrive_and_wait(Duration::from_secs(30)).unwrap();
        assert_eq!(report.outcomes.keys().collect::<Vec<_>>(), ["0"]);
        assert_eq!(report.departed, ["1"]);
    }
}
