"""From a folder on disk to ranked results, and the measures of how good they are."""
