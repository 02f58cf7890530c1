"""Room 2: each debate becomes a multi-agent interaction graph."""
