"""One module or package per search space."""
