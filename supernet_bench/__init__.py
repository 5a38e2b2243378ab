"""Supernet training and search under toggled heuristics, measured on tabular benchmark spaces."""
