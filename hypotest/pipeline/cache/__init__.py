"""The cache as a whole: what lies there, what may go, and how much may come."""
