"""Alignment studies: paired readings, the maps between them, and their held-out statistics."""
