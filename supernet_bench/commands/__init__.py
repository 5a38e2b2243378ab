"""The commands, one module each; what several share begins with an underscore.

`_command` says what one is, `_table` lists them, `app` and `_plain` read what is typed, and `main` is where all starts.
"""
