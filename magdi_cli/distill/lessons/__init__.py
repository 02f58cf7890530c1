"""What there is to learn: graphs as examples of a level, mixed and in the order of steps; no torch."""
