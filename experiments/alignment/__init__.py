"""Alignment studies: pairs of readings, the maps between them, and the statistics to believe them or not."""
