"""What is kept of runs: the contract between those who execute them and those who analyse them.

The contract, which anybody may import: `run` (the record of a run), `manifest` (which runs make up a study),
`reference` (the table of a space), `form` (versions and checksums of the first two), `layout` (where each is) and
`archive` (how a published study holds them).

The machinery of those who write: `store`, `leases` (who may write what belongs to a run), `damage` (what cannot be
trusted is set aside) and `merge` (of stores that were filled apart).
"""
