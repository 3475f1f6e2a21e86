"""Encoders for machines that have their weights: real loading code, nothing is ever downloaded."""
