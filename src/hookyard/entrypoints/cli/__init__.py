"""The `hookyard` command, one file per group."""
