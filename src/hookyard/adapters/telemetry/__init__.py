"""What Hookyard says of itself: structured logs with secrets taken out, and optional traces."""
