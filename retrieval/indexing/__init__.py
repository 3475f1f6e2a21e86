"""From a folder to a library: file scan, decoding, encoding, commit."""
