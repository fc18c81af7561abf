"""How often the tests are wrong where the truth is known: study, simulated layers, record, page."""
