//! What the end-to-end tests share: the host as a child process, and clients that speak to it.
