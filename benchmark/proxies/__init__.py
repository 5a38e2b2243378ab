"""Zero-cost proxies of a study's architectures: networks are built, scored and forgotten; the scores are kept."""
