"""From media to features: the encoders of a library, the spaces they feed, and affect."""
