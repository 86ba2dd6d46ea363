//! Fetches the server's metrics page. Not here: what its names mean (`evidence::server`).
