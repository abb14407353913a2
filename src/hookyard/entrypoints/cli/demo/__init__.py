"""`hookyard demo`: the real server, a simulated GitHub beside it, and signed deliveries."""
