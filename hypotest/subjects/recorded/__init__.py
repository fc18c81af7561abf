"""Evidence that was made elsewhere, and its files."""
