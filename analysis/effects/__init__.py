"""What a level changes: paired differences, intervals, corrections, agreement of studies."""
