"""Answers kept for requests that are repeated, in the transaction of what they answer."""
