"""Metrics, statistics, tables and plots over a store of records."""
