//! The simulated LLM server: engine model (pure) and its HTTP face. A test instrument: it predicts no real engine.
