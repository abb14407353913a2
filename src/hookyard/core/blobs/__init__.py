"""Which rows name which blobs, and the removal of those that no row names."""
