"""The commands, one module each; what several share begins with an underscore.

`command` says what one is, `table` lists them, `app` and `plain` read what is typed, and `main` is where all starts.
"""
