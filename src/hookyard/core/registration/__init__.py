"""The GitHub App: registered from a manifest, its webhook checked, its webhook secret exchanged."""
