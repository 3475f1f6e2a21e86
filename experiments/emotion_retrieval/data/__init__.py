"""Records, splits, videos and texts of the emotion report."""
