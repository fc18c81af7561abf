"""From a protocol to its verdict.

run         the whole way; trial: on the selection split alone
texts       from a text to positions
prepare     everything that is known before a network is loaded
checks      what is refused before anything is drawn, and what to do instead
collection  evidence, from the cache or the network; untrained: of networks with fresh weights
analysis    from evidence to results
registered  what a registration pins, and what a run writes down about itself
"""
