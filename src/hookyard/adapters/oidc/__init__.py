"""JSON web tokens and OpenID Connect: what accepts a token, and where its keys come from."""
