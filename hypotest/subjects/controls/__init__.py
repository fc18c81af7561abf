"""Networks whose organisation is known, each trained here in seconds or minutes: what hypotest is tried on.

recipe      how a network comes to be: data, fresh weights, training
control     what a control is: a recipe, and how the organisation is known
store       trained weights in the cache
registry    all of them, by name; as functions they are `hypotest.controls`
lesions     every unit lesioned alone, by plain hooks: the truth where nobody planted it

Each other file is a network, or a few that differ in one thing, from data to training, with its source: it
has `CONTROLS`, a tuple of `Control`, and nothing else names it.
"""
