"""Pure helpers on the standard library alone; no domain words."""
