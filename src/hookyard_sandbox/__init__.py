"""A simulated GitHub and senders that sign as the real providers do, for demo and tests."""
