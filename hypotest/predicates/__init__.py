"""Which rows a condition has: one file, one way to say it. A new file is a new predicate."""
