"""Secrets from where the operator keeps them, keys that wrap keys, and keys that only sign."""
