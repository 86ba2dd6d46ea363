//! Samples GPUs through NVML, which is loaded at run time; that it is absent is a fact, not an error. Not here: what the samples mean.
