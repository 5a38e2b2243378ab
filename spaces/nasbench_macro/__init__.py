"""NAS-Bench-Macro: chains of eight layers with three choices each."""
