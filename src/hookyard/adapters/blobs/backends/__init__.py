"""One file for each place blobs can lie."""
