"""One module for each broker; only `bootstrap` opens them."""
