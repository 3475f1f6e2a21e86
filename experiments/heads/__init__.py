"""How media and words feel: what the affect heads learn from, and how good they are."""
