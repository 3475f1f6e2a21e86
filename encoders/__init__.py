"""Media to features: decoding, and one expert each for objects, activity, sound, faces and words."""
