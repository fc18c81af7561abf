"""What is refused before anything is drawn, and what to do instead."""
