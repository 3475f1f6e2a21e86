"""Joint spaces of media and text: towers, their training, and the trained heads as numpy."""
