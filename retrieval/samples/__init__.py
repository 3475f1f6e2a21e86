"""Sample media of the demo, and writers for clips and sound."""
