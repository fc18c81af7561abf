"""What a protocol says."""
