//! Wire protocols, pure: request body out, stream events in (bytes to events). One file per protocol.
//!
//! Not here: sockets and time (`load/`), what events mean for metrics (`timeline`, `measure`).
