"""`hookyard hooks`: deliveries as sample folders: sent, recorded from a server, replayed."""
