"""Experiments: measured comparisons, fitted constants and benchmarks over the same code users run."""
