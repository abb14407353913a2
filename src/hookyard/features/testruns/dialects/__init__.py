"""One reader for each dialect of test reports: events of the parser become cases."""
