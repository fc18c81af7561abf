"""Where subjects are kept, and how they get into memory."""
