//! One of two parties, as several models have it.

use reveille_loom_tests::Notes;

use super::subject::Barrier;

/// Notes that it came, waits, and sees that both did.
pub(super) fn second_party((barrier, notes): &(Barrier, Notes)) {
    notes.write(1, 1);
    barrier.wait();
    notes.check(2, 1);
}
