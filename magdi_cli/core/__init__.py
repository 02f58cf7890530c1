"""Records, artifacts, configs and errors: what every room of magdi shares; standard library only at import."""
