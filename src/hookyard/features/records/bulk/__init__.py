"""Many records at once: NDJSON in and out, streamed, with memory that does not grow."""
