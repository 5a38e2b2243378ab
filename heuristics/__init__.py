"""One module per heuristic."""
