"""The audio space's lesson: words for animals, voices and music, the clips they match, and what is learnt."""
