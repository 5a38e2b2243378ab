"""Scores of one's own: read from files or a frame, checked, and made a study like any other.

`tables` reads, `cells` says what a column holds, `collect` puts scores into levels, seeds and epochs, `study` makes
records of them, and `frame` does all that in memory.
"""
