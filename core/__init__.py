"""The ground floor: what every part needs, and what knows nothing of architecture search."""
