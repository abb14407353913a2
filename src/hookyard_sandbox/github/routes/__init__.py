"""The REST routes, one module per kind of resource; each ends in `ENDPOINTS`."""
