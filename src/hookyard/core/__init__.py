"""What every feature stands on, ranked from ingress down to tenants."""
