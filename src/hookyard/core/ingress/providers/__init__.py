"""Providers as pure modules: verify, identify, answer, parse, extract commands. No I/O."""
