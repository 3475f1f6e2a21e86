"""Held-out measurements of mood queries: regions, nudges, moods not wanted, courses, and across senses."""
