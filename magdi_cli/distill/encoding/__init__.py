"""Examples in tokens, laid out in rows and batches."""
