"""Where problems come from and what counts as right."""
