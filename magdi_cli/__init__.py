"""Distil debates between large language models into one small model."""

__version__ = "0.1.0"
