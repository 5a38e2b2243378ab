"""What is run: specs of runs, studies, and the files that they are read from."""
