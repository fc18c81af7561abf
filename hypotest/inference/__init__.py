"""From numbers to what may be said about them: p-values, intervals, equivalence, multiplicity.

Pure functions: arrays in, numbers and records out; randomness only through an explicit
``numpy.random.Generator``.

- ``randomization``: a statistic among its control groups
- ``rounding``: which differences are rounding errors, so that values are tied
- ``relabelling``: shuffled labels of types, types within documents, or positions
- ``equivalence``: margins, two one-sided tests, and the outcome of a prediction
- ``meta_analysis``: one effect from several models
- ``multiplicity``: adjusted p-values
- ``effect_size``: paired standardised difference, Cliff's delta
"""
