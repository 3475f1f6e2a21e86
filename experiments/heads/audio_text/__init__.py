"""Training of the audio space: prompts for animals, voices and music, the clips they match, and the heads."""
