"""The contract between running and reading: what a store holds, who may write it, and how it is read."""
