"""The worker: run loop, signals, drain."""
