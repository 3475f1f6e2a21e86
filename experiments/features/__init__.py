"""Features of media for experiments: extraction, streaming, and their cache on disk."""
