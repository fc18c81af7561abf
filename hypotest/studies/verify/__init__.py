"""A finished run, checked again: study, record, page."""
