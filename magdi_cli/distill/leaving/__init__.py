"""What leaves the room: the saved student, its card and curve, results, and merged models."""
