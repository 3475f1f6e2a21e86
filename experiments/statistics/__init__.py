"""Figures with intervals and how they are reported."""
