//! A clean environment for every test: no CI variables, no network beyond loopback, a folder of its own.
