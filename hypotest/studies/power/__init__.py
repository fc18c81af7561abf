"""What a protocol can see, foreseen from its selection split: study, record, page."""
