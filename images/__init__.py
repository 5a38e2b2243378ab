"""One module per image data set."""
