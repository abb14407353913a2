"""One file for each service that messages go to."""
