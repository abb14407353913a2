"""A strict simulated GitHub: its REST API, its limits, its webhooks, and faults on request."""
