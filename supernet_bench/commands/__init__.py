"""The commands, one module each; `table` lists them, and `main` is where the program starts."""
