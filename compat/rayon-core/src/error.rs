//! Why a pool could not be made.

use std::error::Error;
use std::{fmt, io};

use reveille_pool::BuildError;

/// Why a pool could not be made.
#[derive(Debug)]
pub struct ThreadPoolBuildError(Kind);

#[derive(Debug)]
enum Kind {
    GlobalPoolExists,
    CurrentThreadWorks,
    Io(io::Error),
}

impl From<BuildError> for ThreadPoolBuildError {
    fn from(error: BuildError) -> Self {
        ThreadPoolBuildError(match error {
            BuildError::GlobalExists => Kind::GlobalPoolExists,
            BuildError::CurrentThreadWorks => Kind::CurrentThreadWorks,
            BuildError::Spawn(error) => Kind::Io(error),
            other => Kind::Io(io::Error::other(other)),
        })
    }
}

impl Kind {
    /// Rayon's words: programs have nothing else to tell the cases by.
    fn text(&self) -> Result<&'static str, &io::Error> {
        match self {
            Kind::GlobalPoolExists => Ok("The global thread pool has already been initialized."),
            Kind::CurrentThreadWorks => Ok("The current thread is already part of another thread pool."),
            Kind::Io(error) => Err(error),
        }
    }
}

impl fmt::Display for ThreadPoolBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.text() {
            Ok(text) => text.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

impl Error for ThreadPoolBuildError {
    #[allow(deprecated, reason = "a caller of it gets rayon's answer")]
    fn description(&self) -> &str {
        self.0.text().unwrap_or_else(|error| error.description())
    }

    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Io(error) => Some(error),
            _ => None,
        }
    }
}
