"""A library on disk: catalogue, vector files, snapshots, locking, integrity."""
