"""What emotions in the text tower do to recall, and a form that does no harm."""
