"""One module per zero-cost proxy."""
