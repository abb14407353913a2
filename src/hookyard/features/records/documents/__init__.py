"""What the data API says of itself: an OpenAPI document for a caller's roles, TypeScript types."""
