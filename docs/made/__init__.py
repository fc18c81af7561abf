"""Pages that are made from the package: the protocol language, its nouns, words and errors."""
