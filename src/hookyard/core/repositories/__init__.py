"""Installations, repositories, and a repository's configuration at a commit."""
