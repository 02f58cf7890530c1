"""The model: backbone with adapter, heads, and the objectives that read them."""
