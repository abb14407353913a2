"""GitHub over HTTP: app authentication, REST with limits, ETags and pages."""
