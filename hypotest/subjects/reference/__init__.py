"""The model that ships with hypotest, and how it was trained."""
