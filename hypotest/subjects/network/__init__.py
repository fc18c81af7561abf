"""Any torch module as the network under test: its units, its rows, its outcome.

units       which numbers of which module's output are tested, and how they lie in it
trees       what modules take and give: tensors, alone or in tuples and mappings
rows        the frame of rows, their clusters, and what identifies them
contents    what functions and modules compute with, for the names of evidence
outcome     what an ablation changes, per row
anatomy     what runs when, found in two passes over a few rows
admission   what must hold of a network, checked when it is made
partition   a declared division of the units
network     all of it in one object
"""
