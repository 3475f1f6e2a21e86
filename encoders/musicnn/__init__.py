"""Music tags and features by musicnn (Pons & Serra 2019), with weights of a package that is not imported."""
