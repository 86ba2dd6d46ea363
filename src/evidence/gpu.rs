//! The GPU during a round: energy, memory, clocks, throttling; what makes the round unfit. Not here: NVML (`watch::gpu`).
