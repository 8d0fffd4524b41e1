//! Memory that a model frees or uses again by itself, as the protocol under test allows it.

/// An object on the heap that threads share by address. One of them frees it, or builds another one in its place, which
/// loom reports as a race with any late access of the others.
#[derive(Debug)]
pub struct Place<T>(*mut T);

// SAFETY: what the models do with the object is theirs to answer for; loom checks it.
unsafe impl<T> Send for Place<T> {}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<T> {}

impl<T> Place<T> {
    /// A place with an object in it.
    pub fn new(object: T) -> Self {
        Place(Box::into_raw(Box::new(object)))
    }

    /// Where it is.
    pub fn object(&self) -> *mut T {
        self.0
    }

    /// The object.
    ///
    /// # Safety
    ///
    /// The reference is not used after the object was freed or replaced.
    pub unsafe fn get(&self) -> &'static T {
        // SAFETY: the caller's promise.
        unsafe { &*self.0 }
    }

    /// The object, for its only user.
    ///
    /// # Safety
    ///
    /// As for [`get`](Self::get), and there is no other reference.
    pub unsafe fn get_mut(&self) -> &'static mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0 }
    }

    /// Puts another object in its place.
    ///
    /// # Safety
    ///
    /// Nobody uses the object any more.
    pub unsafe fn rebuild(&self, object: T) {
        // SAFETY: the caller's promise.
        unsafe { *self.0 = object };
    }

    /// Runs `f` with an object that its threads share by address, and frees it.
    ///
    /// # Safety
    ///
    /// `f` joins every thread that uses the object, and leaves nothing behind that borrows it.
    pub unsafe fn lend(object: T, f: impl FnOnce(&'static mut T))
    where
        T: 'static,
    {
        let place = Place::new(object);
        // SAFETY: live until `f` is over, and there is no other reference.
        f(unsafe { place.get_mut() });
        // SAFETY: the caller's promise.
        unsafe { place.free() };
    }

    /// Frees the object.
    ///
    /// # Safety
    ///
    /// Nobody uses the place any more.
    pub unsafe fn free(self) {
        // SAFETY: the caller's promise; it came from a box.
        drop(unsafe { Box::from_raw(self.0) });
    }
}
