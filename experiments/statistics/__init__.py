"""Estimates with intervals, corrections of p values, and reports of benchmarks."""
