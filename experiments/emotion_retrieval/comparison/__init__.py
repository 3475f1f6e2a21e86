"""Recall of trained models by query set, beside the published tables."""
