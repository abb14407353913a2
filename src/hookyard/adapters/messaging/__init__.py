"""Messages to where people talk: one message posted, edited, or looked for."""
