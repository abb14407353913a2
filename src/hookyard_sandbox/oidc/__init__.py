"""A simulated OpenID issuer, strict where it matters: PKCE, nonce, single use, exact redirects."""
