"""Which plug-ins exist, whether they keep their contracts, and which code made a record."""
