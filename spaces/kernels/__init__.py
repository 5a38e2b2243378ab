"""Fused loops over feature maps for processors, compiled when first used; all works without them, more slowly."""
