"""What a group is compared with: one file = one null.

Each file holds what its null is called, its options, how it is drawn, and the sentences about it; nothing
else
in the package names it. `hypotest.nulls.null` says what a null has to offer, `hypotest.nulls.registry` finds
them, `hypotest.ladder.against_nulls` compares a measure with all that a protocol declares.
"""
