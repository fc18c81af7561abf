"""The cache, looked at and cleared."""
