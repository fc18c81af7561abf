"""Measures: numbers that describe a group of neurons. Arrays in, numbers out.

Randomization needs the same measure on thousands of groups, so a measure never sees one group at a
time. Each takes a statistic of the whole layer, computed once, and a batch of groups::

    measure(layer_statistic, groups) -> values
    groups: int array (n_groups, group_size), neuron indices;  values: float array (n_groups,)

=================  ===========================================  =========================
module             layer statistic, computed once               per batch of groups
=================  ===========================================  =========================
``dimension``      covariance (n_neurons, n_neurons)            stacked eigvalsh
``modularity``     ``information`` (n_neurons, n_neurons)       community detection
``spectrum``       Gram matrix of weights (n_neurons, same)     stacked eigvalsh
``heads``          squared change (n_heads, n_neurons)          sums over the columns
``influence``      delta_loss (n_positions, n_neurons)          means over the group
=================  ===========================================  =========================

Measures of something other than groups: ``regimes`` (batches of rank-influence curves, with
``power_law``), ``concentration`` (attention, one value per query), ``routing`` (attention
``profiles`` per document), and ``rewiring`` (Q of a group's own graph under moves that keep its strengths).
``rows`` and ``submatrices`` check what all of them take.

The observed group is simply row 0 of such a batch. An undefined value is NaN, for the caller to
redraw; input that cannot be meant is a ``ValueError``. What needs an interval has a sibling
``*_resamples`` that takes one group, and weights (n_resamples, n_documents): how often each
document was drawn. Randomness comes only through an explicit ``numpy.random.Generator``.
"""
