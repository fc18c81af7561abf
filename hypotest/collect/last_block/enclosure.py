"""Bounds on log E[exp y] from the first moments of y and its range: what certifies an ablation.

Let y have mean 0, variance k2, third moment k3 and values in [a, b]. For any polynomial h of degree at most
3, E[h(y)] follows from these moments alone, so a polynomial that lies below (above) exp on all of [a, b]
bounds E[exp y] from below (above). Hermite interpolation of exp gives such polynomials; its remainder at y
is exp(t) / n! times the product of (y - node) over the n nodes, for some t, and exp(t) > 0, so the product
alone decides the sign:

    nodes         product                          bound    E[h(y)] needs
    a, c, c       (y - a) (y - c)^2      >= 0      lower    k2
    b, c, c       (y - b) (y - c)^2      <= 0      upper    k2
    c, c, e, e    (y - c)^2 (y - e)^2    >= 0      lower    k2, k3
    a, c, c, b    (y - a) (y - c)^2 (y - b) <= 0   upper    k2, k3

Any c and e are valid. Those of the best bound make E[h(y)] a mean over the nodes themselves, that is, the
nodes with their weights have the moments of y: with k2, c = -k2/a or -k2/b; with k3 the nodes of Gauss's
and Lobatto's quadrature

    c, e = (k3 -+ sqrt(k3^2 + 4 k2^3)) / (2 k2)                      weights e/(e-c), -c/(e-c)
    c = (k3 - (a+b) k2) / (k2 + a b)                                 weights (k2+bc)/((a-b)(a-c)) at a,
                                                                     (k2+ac)/((b-a)(b-c)) at b, the rest at c

Everything is evaluated as E[exp y - 1] by expm1, which loses no digits where y is small.

References:
    Karlin & Studden (1966), Tchebycheff Systems, ch. II and III (principal representations).
    For two moments: Bennett (1962), doi:10.1080/01621459.1962.10482149.
"""

from __future__ import annotations

import torch
from torch import Tensor

_NARROWEST = 1e-12
"""Ends of the range are kept this far from 0, where the formulas divide by them; a wider range is valid."""


def enclose_by_variance(k2: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Bounds on log E[exp y] for every y of mean 0, given variance and range.

    Args:
        k2: Variance, not negative, any shape.
        low: Smallest value a, not positive, same shape.
        high: Largest value b, not negative, same shape.

    Returns:
        Lower and upper bound in nats; infinite or NaN where exp overflows, or where no such y exists.
    """
    low, high = low.clamp(max=-_NARROWEST), high.clamp(min=_NARROWEST)
    bounds = []
    for end in (low, high):
        square = end.square()
        excess = (k2 * torch.expm1(end) + square * torch.expm1(-k2 / end)) / (square + k2)
        bounds.append(torch.log1p(excess))
    return bounds[0], bounds[1]


def enclose_by_skewness(k2: Tensor, k3: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Bounds on log E[exp y] for every y of mean 0, given variance, third moment and range.

    Args:
        k2: Variance, positive, any shape; float64, since the nodes are differences.
        k3: Third moment, same shape.
        low: Smallest value a, not positive, same shape.
        high: Largest value b, not negative, same shape.

    Returns:
        Lower and upper bound in nats; NaN where k2 is 0, where exp overflows, or where rounding has left
        moments that no y in the range can have.
    """
    low, high = low.clamp(max=-_NARROWEST), high.clamp(min=_NARROWEST)
    root = torch.sqrt(k3.square() + 4 * k2**3)
    # the root with the larger numerator first; the other one from the product of the two, -k2
    far = (k3 + torch.where(k3 >= 0, root, -root)) / (2 * k2)
    near = -k2 / far
    lower = torch.log1p((far * torch.expm1(near) - near * torch.expm1(far)) / (far - near))

    inner = (k3 - (low + high) * k2) / (k2 + low * high)
    at_low = (k2 + high * inner) / ((low - high) * (low - inner))
    at_high = (k2 + low * inner) / ((high - low) * (high - inner))
    at_inner = 1.0 - at_low - at_high
    upper = torch.log1p(
        at_low * torch.expm1(low) + at_high * torch.expm1(high) + at_inner * torch.expm1(inner)
    )
    possible = (at_low >= 0) & (at_high >= 0) & (at_inner >= 0)
    return lower, torch.where(possible, upper, torch.nan)
