"""What a plug-in must hold to when it is run, beyond what `benchmark.plugins.contracts` sees when it is looked at.

A check raises `benchmark.plugins.contracts.Mistake`; the tests run all checks for all plug-ins that exist, and
``supernet-bench check FILE`` runs them for those in a file.
"""
