//! The server during a round, in its own metrics: one vocabulary for every server. Not here: fetching them (`watch::scrape`).
