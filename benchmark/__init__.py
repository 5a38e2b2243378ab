"""Spec, study, training loop, scoring, store, executors and command line."""
