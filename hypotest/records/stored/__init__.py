"""Files and folders: written whole, read back, known by hash."""
