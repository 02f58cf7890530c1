"""Room 4: a model answers problems and is judged."""
