"""Pull requests: criteria of issues and results of tests, brought together in a verdict."""
