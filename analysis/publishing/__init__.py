"""Folders of published results: written, checked, and where their numbers come from."""
