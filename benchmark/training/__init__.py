"""One run: a supernet is trained under heuristics, and its architectures are scored."""
