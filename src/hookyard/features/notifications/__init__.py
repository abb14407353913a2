"""Notifications: what people are told, by their own rules, and where they read it."""
