"""NAS-Bench-201: cells of six edges with five operations each."""
