"""Training of CLIP-ViP with and without emotions."""
