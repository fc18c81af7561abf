"""Off-target damage: what losing the group does to targets that it was not selected for."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.document import Heading, Part, table
from hypotest.records.results.results import Results
from hypotest.report.numbers import count_text, significant


def damage_section(results: Results) -> Iterator[Part]:
    """Mean changes on either condition and off both; what was not looked at is said."""
    yield Heading("Off-target damage")
    damage, (first, second) = results.damage, results.corpus.conditions
    if damage is None:
        yield (
            "This run did not ablate the group at once on anything but the first condition's targets, so "
            "that it cannot say what else is lost with it. A prediction that lesions groups makes it do so."
        )
        return
    yield (
        f"All {count_text(len(results.group.neurons))} neurons ablated at once, on the evaluation split; "
        f"beside them {count_text(damage.n_random)} random groups of as many. A group that serves its "
        "condition alone spares the other rows."
    )
    rows = zip(
        (f"{first} targets", f"{second} targets", "rows of neither"),
        damage.rows,
        damage.group,
        damage.random,
        damage.random_sd,
        strict=True,
    )
    yield table(
        ["", "rows", "change of loss, in nats", "random groups (SD)"],
        [
            (
                name,
                count_text(number),
                significant(mean, 3),
                f"{significant(random, 3)} ({significant(sd, 2)})",
            )
            for name, number, mean, random, sd in rows
            if number
        ],
        numeric=(1, 2, 3),
    )
