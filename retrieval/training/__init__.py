"""Training on a library's own captions: custom heads, and the alignment of audio with image affect."""
