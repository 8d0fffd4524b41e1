//! An architecture without an instruction of ours.
compile_error!("on this architecture Linux needs the feature `libc`");
