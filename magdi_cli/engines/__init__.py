"""Text in, text out: the only code that talks to a model."""
