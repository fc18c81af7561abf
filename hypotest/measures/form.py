"""The ways in which a contrast can be written."""

from __future__ import annotations

from enum import StrEnum

from hypotest.records.prediction import Contrast


class Form(StrEnum):
    """The ways in which a contrast can be written; the value is its YAML."""

    SIZE_MATCHED = "{null: size_matched}"
    COVARIATE_MATCHED = "{null: covariate_matched}"
    LOCAL_MATCHED = "{null: local_matched}"
    LABEL_SHUFFLED = "{null: label_shuffled}"
    REWIRED = "{null: rewired}"
    UNTRAINED = "{null: untrained}"
    BY_DOCUMENT = "{conditions: [rare, common], by: document}"
    REFERENCE = "{reference: a number}"


RANDOM_GROUPS = (Form.SIZE_MATCHED, Form.COVARIATE_MATCHED, Form.LOCAL_MATCHED, Form.UNTRAINED)
"""Of measures whose evidence cannot be relabelled."""
GROUP_NULLS = (*RANDOM_GROUPS, Form.LABEL_SHUFFLED)

_FORMS = {
    frozenset({"null", "size_matched"}): Form.SIZE_MATCHED,
    frozenset({"null", "covariate_matched"}): Form.COVARIATE_MATCHED,
    frozenset({"null", "local_matched"}): Form.LOCAL_MATCHED,
    frozenset({"null", "label_shuffled"}): Form.LABEL_SHUFFLED,
    frozenset({"null", "rewired"}): Form.REWIRED,
    frozenset({"null", "untrained"}): Form.UNTRAINED,
    frozenset({"conditions", "by"}): Form.BY_DOCUMENT,
    frozenset({"reference"}): Form.REFERENCE,
}


def form_of(contrast: Contrast) -> Form | None:
    """Say which form a contrast has; None if it is a mixture or empty.

    Examples:
        >>> form_of(Contrast(null="size_matched")) is Form.SIZE_MATCHED
        True
        >>> form_of(Contrast(null="size_matched", reference=0.5)) is None
        True
    """
    keys = Contrast.model_fields.keys() - {"trajectory"}  # which stands beside any of them
    given = {key for key in keys if getattr(contrast, key) is not None}
    return _FORMS.get(frozenset(given | ({contrast.null} if contrast.null else set())))
