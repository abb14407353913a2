"""`hookyard github`: the App registered, and its webhook secret exchanged."""
