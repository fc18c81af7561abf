"""Groups: which neurons are tested, and what they are compared with."""
