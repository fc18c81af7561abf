"""Evidence of any torch module: the same arrays in the same places as of a language model.

traces      passes through nnsight, in which some modules are skipped, read or changed
routes      from ablated units to outcomes: a recurrence, or the rest of the module
ablation    all units, one at a time; groups of them
collection  the stages of a split, and what each leaves in the cache
check       single ablations of the whole module, against what was collected
"""
