"""Room 3: the student learns from the graphs."""
