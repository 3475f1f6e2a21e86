"""A ranked folder, and a map of text and video features."""
