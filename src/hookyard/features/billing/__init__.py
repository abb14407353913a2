"""Billing projects: what repositories use, what they may use, and the provider keys they share."""
