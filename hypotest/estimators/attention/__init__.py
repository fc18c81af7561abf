"""What attention heads do to a group."""
