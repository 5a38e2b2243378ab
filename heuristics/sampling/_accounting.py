"""What equals that of uniform sampling, for samplers that train several paths per step."""

ACCOUNTING = {
    "help": "what equals that of uniform sampling: optimiser steps, or compute",
    "choices": ("step", "compute"),
}
"""Metadata of the setting of samplers that train several paths per step."""


def accounted_steps(batches: int, paths: int, accounting: str) -> int:
    """Return the optimiser steps of an epoch of `batches` batches for a sampler that trains `paths` paths per step."""
    return max(1, round(batches / paths)) if accounting == "compute" else batches
