"""Agent tasks: commands people gave, done by a local command, the answer put on GitHub."""
