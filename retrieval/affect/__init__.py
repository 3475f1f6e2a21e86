"""Affect of files and texts, and its attribution to frames, audio, faces and words."""
