"""How well scores rank architectures: coefficients and their resamples."""
