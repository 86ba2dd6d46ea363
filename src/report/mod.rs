//! Reports: a view model with every number chosen, then one function per format. Not here: judging.
