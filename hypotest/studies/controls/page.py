"""What ``hypotest controls`` prints and leaves behind.

<folder>/
  controls.md        figures/<network>.svg, .png
  controls.json
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from hypotest.engine.progress import StartStage, silent
from hypotest.pages.document import Document, Figure, Heading, Items, Part, Table, document, table, together
from hypotest.pages.inline import Inline, aside, lines, prose, strong
from hypotest.pages.markdown import PAGE
from hypotest.records.rate import Rate
from hypotest.records.stored.files import write_whole
from hypotest.records.stored.folders import replace_folder
from hypotest.report.numbers import fixed
from hypotest.studies.controls.record import ControlResult, Controls, Examined
from hypotest.studies.controls.versions import version_tables, versions_of

_SHORT = {"supported": "sup.", "refuted": "ref.", "undecided": "und.", "not applicable": "n. a."}
_LEGEND = (
    "right: whether verdicts agree with what is known; of several seeds, how many, with the 95 % interval of "
    "that rate, and behind each verdict how many came to it (supported, refuted, undecided, not applicable). "
    "before training: the same networks, to which no hypothesis must apply."
)


def controls_summary(whole: Controls) -> Document:
    """What `hypotest controls` prints: the table, and wrong verdicts."""
    return document(
        [verdict_table(whole.results), aside(_LEGEND), *_wrong(whole.results), *_stale(whole.stale)]
    )


def write_controls(whole: Controls, start_stage: StartStage = silent) -> None:
    """Write page and figures beside ``controls.json``.

    Raises:
        OutputError: If the folder cannot be written.
    """
    # Imported here: everything else answers without matplotlib.
    from hypotest.report.figures.style import house_style, save
    from hypotest.studies.controls.figure import draw_control

    networks = by_network(whole.results)
    step = start_stage("figures", len(networks))
    with replace_folder(whole.folder / "figures") as folder, house_style():
        for trained, untrained in networks:
            save(draw_control(trained, untrained), folder, trained.control)
            step()
    write_whole(whole.folder / "controls.md", PAGE.render(controls_page(whole), whole.folder))


def by_network(results: Sequence[ControlResult]) -> list[tuple[ControlResult, ControlResult | None]]:
    """Each network with its untrained counterpart, where there is one."""
    untrained = {item.control: item for item in results if not item.trained}
    return [(item, untrained.get(item.control)) for item in results if item.trained]


def controls_page(whole: Controls) -> Document:
    """The report."""
    return document(_parts(whole))


def _parts(whole: Controls) -> Iterator[Part]:
    yield Heading("Networks whose organisation is known", 1)
    yield (
        "Each network is trained from its seed, put to its protocol in protocols/controls, and compared with "
        "what is known of it. Where nobody planted the truth, lesions of every single unit tell it: plain "
        "hooks, one pass for each unit, all rows. Their distance is the total variation distance of what "
        "they do to either task: 0 if each unit weighs as much for both, 1 if none serves both."
    )
    yield together(verdict_table(whole.results), aside(_LEGEND))
    yield from _wrong(whole.results)
    yield from _stale(whole.stale)
    yield Heading("Numbers behind the verdicts")
    yield "Mean over seeds, and the range where there are several."
    yield from number_tables(whole.results)
    yield from version_tables(whole.results)
    for trained, untrained in by_network(whole.results):
        yield from _network(trained, untrained)


def verdict_table(results: Sequence[ControlResult]) -> Table:
    """One row for each network: what is known, the verdicts, whether they are right; fits 80 columns."""
    hypotheses = list(dict.fromkeys(name for item in results for name in item.examined[0].verdict.statuses))
    return table(
        ["network", *hypotheses, "right", "before training"],
        [
            (
                lines(strong(trained.control), f"{trained.known} ({trained.how})"),
                *(_statuses(trained, name) for name in hypotheses),
                _rate(trained.rate),
                "-" if untrained is None else _rate(untrained.rate),
            )
            for trained, untrained in by_network(results)
        ],
    )


def _statuses(result: ControlResult, hypothesis: str) -> str:
    counts = Counter(item.verdict.statuses.get(hypothesis, "-") for item in result.examined)
    if len(result.examined) == 1:
        return str(next(iter(counts)))
    return ", ".join(f"{_SHORT.get(name, name)} {count}" for name, count in counts.most_common())


def _rate(rate: Rate | None) -> Inline:
    if rate is None:
        return "open"
    if rate.n == 1:
        return "yes" if rate.count else strong("NO", "bad")
    text = f"{rate.count}/{rate.n}"
    shown = text if rate.count == rate.n else strong(text, "bad")
    return lines(shown, f"{rate.low:.2f} to {rate.high:.2f}")


def _wrong(results: Sequence[ControlResult]) -> Iterator[Part]:
    """Every wrong verdict, with its reasons."""
    wrong = [
        (result, item)
        for result in results
        for item, right in zip(result.examined, result.right, strict=True)
        if right == "wrong"
    ]
    judged = sum(item.rate.n for item in results if item.rate is not None)
    if not wrong:
        yield f"All {judged} verdicts that are judged are right." if judged else "No verdict is judged."
        return
    yield strong(f"{len(wrong)} of {judged} judged verdicts are wrong:", "bad")
    yield Items(tuple(_reason(result, item) for result, item in wrong))


def _stale(count: int) -> Iterator[Part]:
    if count:
        yield (
            f"{count} of these were computed before the last change of code, network or protocol: "
            "`hypotest controls` with the same seeds computes them again."
        )


def _reason(result: ControlResult, item: Examined) -> Inline:
    became = "; ".join(f"{name} {status}" for name, status in item.verdict.statuses.items())
    truth = (
        f" (distance of single lesions {fixed(item.truth.distance, 2)})"
        if item.truth.distance is not None
        else ""
    )
    why = " ".join(dict.fromkeys(item.verdict.reasons.values()))
    return prose("**{}**, seed {}: {}; right is {}{}. {}", result.name, str(item.seed), became,
                 result.expected, truth, why)  # fmt: skip


def number_tables(results: Sequence[ControlResult]) -> Iterator[Part]:
    """What decided, a table for each protocol."""
    for protocol in dict.fromkeys(item.protocol for item in results):
        own = [item for item in results if item.protocol == protocol]
        names = [item.id for item in own[0].examined[0].verdict.predictions if item.role == "deciding"]
        rows = [
            (
                item.name,
                _over_seeds([one.truth.distance for one in item.examined]),
                *(_over_seeds([_observed(one, name) for one in item.examined]) for name in names),
            )
            for item in own
        ]
        yield Heading(protocol, 3)
        yield table(["network", "lesions", *names], rows, numeric=range(1, 2 + len(names)))


def _observed(item: Examined, name: str) -> float | None:
    return next((one.observed for one in item.verdict.predictions if one.id == name), None)


def _over_seeds(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    mean = fixed(sum(known) / len(known), 2)
    if len(known) == 1:
        return mean
    return f"{mean} [{fixed(min(known), 2)}, {fixed(max(known), 2)}]"


def _network(trained: ControlResult, untrained: ControlResult | None) -> Iterator[Part]:
    first = trained.examined[0]
    yield Heading(trained.control)
    yield prose(
        "{} Known: {} (by {}; {}). Right: {}. {}",
        strong(trained.title),
        trained.known,
        trained.how,
        trained.source,
        trained.expected,
        _interval(trained.rate),
    )
    if first.truth.pairs is not None:
        yield (
            f"By the interactions of every two units (what both lesions do beyond the sum of each alone) the "
            f"tasks of seed {first.seed} are "
            f"{fixed(first.truth.pairs, 2)} apart, by single lesions {fixed(first.truth.distance, 2)}."
        )
    if first.truth.log and not versions_of(trained):
        yield f"After training, mean over seeds: {_log(trained.examined)}."
    yield Figure(
        f"figures/{trained.control}",
        "Left: what the lesion of each unit alone does to both tasks, and the groups that were selected. "
        "Right: the truth by lesions (shaded: apart, together) and what decided, over seeds; open circles: "
        "untrained.",
        _in_words(trained),
    )


def _in_words(trained: ControlResult) -> str:
    """What the figure shows, for those who cannot see it."""
    first = trained.examined[0]
    one, other = (set(group) for group in first.verdict.groups)
    measured = {"distance of single lesions": [item.truth.distance for item in trained.examined]}
    for item in first.verdict.predictions:
        if item.role == "deciding":
            measured[item.id] = [_observed(seen, item.id) for seen in trained.examined]
    said = ", ".join(f"{name} {_over_seeds(values)}" for name, values in measured.items())
    return (
        f"{trained.control}. Seed {first.seed}: {len(one)} units selected on the first task, {len(other)} on "
        f"the second, {len(one & other)} on both. Mean over {len(trained.examined)} seeds with its range: "
        f"{said}."
    )


def _interval(rate: Rate | None) -> str:
    if rate is None:
        return ""
    return f"Rate of right verdicts {rate.count}/{rate.n}, 95 % interval {rate.low:.2f} to {rate.high:.2f}."


def _log(examined: Sequence[Examined]) -> str:
    last = [item.truth.log[-1] for item in examined]
    return ", ".join(
        f"{name} {sum(row[name] for row in last) / len(last):.4g}" for name in last[0] if name != "step"
    )
