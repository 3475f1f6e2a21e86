"""Emotion-specialised text-to-video retrieval: what emotions in the text tower do to recall, and why."""
