"""What users came for; these rooms do not know each other."""
