//! Facts of host and server, read before the clock starts. Not here: what they mean for a
//! comparison (`fingerprint`).

pub mod error;
pub mod host;
pub mod recognise;
pub mod scan;
pub mod server;
