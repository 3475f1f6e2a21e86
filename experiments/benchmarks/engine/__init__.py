"""Benchmark of the engine on large libraries, beside the plain way and other libraries."""
