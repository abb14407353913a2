"""Code health: what linters found, told apart by new, fixed and carried, scored and gated."""
