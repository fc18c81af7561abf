"""What a registration pins, and what a run writes down about itself."""
