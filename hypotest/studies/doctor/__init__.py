"""What this machine can do: study, record, page."""
