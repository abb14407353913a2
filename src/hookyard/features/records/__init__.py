"""The data gateway: declared entities as real tables, and their records behind two walls."""
