"""Who is calling and what they may do: admin key, API keys, the role table."""
