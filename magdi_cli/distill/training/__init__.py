"""The loop: steps over one or several processes, validation, checkpoints, trackers."""
