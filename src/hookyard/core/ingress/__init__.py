"""The one way in: deliveries verified, committed to disk, deduplicated, routed to jobs."""
