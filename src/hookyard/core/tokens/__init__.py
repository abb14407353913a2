"""Installation tokens: minted narrow, cached, one mint at a time."""
