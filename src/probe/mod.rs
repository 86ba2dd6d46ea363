//! Facts of host and server, read once before the clock starts.
