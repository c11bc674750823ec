"""Araz: from sensor bytes at a border to a patrol at the drop."""

__version__ = "0.1.0"
