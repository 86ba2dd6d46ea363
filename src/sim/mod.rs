//! The simulated LLM server: engine model (pure) and its HTTP face. A test instrument: it predicts no real engine.

pub mod engine;
pub mod noise;
pub mod prefix;
