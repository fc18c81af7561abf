"""What a protocol takes from its text, before a model is loaded: study, record, page."""
