"""The HTTP front: the webhook route, the API, health, metrics, OpenAPI."""
