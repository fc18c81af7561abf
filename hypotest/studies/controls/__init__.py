"""Networks whose organisation is known, put to their protocols: how often the verdict is right.

record     what was seen of one network at one seed, and of all
examine    one network: evidence, verdict, and the lesions that tell the truth; kept in the cache
study      all of them, over seeds
judge      right or wrong
measures   which of them a measure tells apart
figure     the truth beside what was found
page       the table, and the report
"""
