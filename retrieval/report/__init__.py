"""Output for people: terminal tables, the results page, valence-arousal plots, thumbnails."""
