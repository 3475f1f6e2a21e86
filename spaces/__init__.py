"""Features to comparable coordinates: one space each for what is shown, what happens and what sounds."""
