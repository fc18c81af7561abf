"""A protocol in sentences."""
