"""The commands, one module each; what several share begins with an underscore.

`table` lists them, `command` says what one is, `app` and `plain` read what is typed, and `main` is where the program starts.
"""
