"""A simulated Slack: the part of its Web API that messages go through."""
