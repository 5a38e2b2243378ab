"""One module per way of executing runs."""
