//! Load: sends a plan and brings back timelines. Not here: what is sent (`plan`), what it means (`measure`).
