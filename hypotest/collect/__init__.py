"""Collection: from a subject and positions to evidence, on disk."""
