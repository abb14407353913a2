"""Effects: check runs, comments, reactions, issues; each lands once, within GitHub's limits."""
