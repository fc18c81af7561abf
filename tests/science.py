"""What is known so far of the papers' findings, from committed runs: tables of README and docs.

python -m tests.science
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from hypotest.inference.margins import diluted
from hypotest.pages.document import table
from hypotest.pages.inline import Inline, code, joined, strong
from hypotest.pages.markdown import markdown
from hypotest.pipeline.analysis.outcomes import adjust_together, classify_prediction, judge
from hypotest.records.protocol.claims import Claim
from hypotest.records.protocol.prediction import Status
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.registration.checks.claims import load_claims
from hypotest.registration.locks.recorded import stored_plan
from hypotest.report.numbers import prediction_text
from hypotest.report.run import Run
from hypotest.studies.compare.claim_checks import judge_outcome, judge_range, quantity_of
from hypotest.studies.multiverse.record import Robustness
from hypotest.studies.verify.stored_draws import StoredDraws
from tests.example import AS_PUBLISHED, EXAMPLE, command, printed
from tests.texts import ROOT, put

REPORTS = ROOT / "reports"
COMPARED = REPORTS / "compared"
MULTIVERSE = REPORTS / "smollm2" / "multiverse"
CLAIMS = ROOT / "protocols" / "papers" / "arxiv-2509.21163.yaml"
FINDINGS, REGISTERED, PUBLIC, ALTERNATIVES = "findings", "registered", "public", "alternatives"
"""Marks: findings of the paper, the registered runs, the public model's verdict, and what flips it."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network, with the run that decides as published and the one that decides by neurons alike."""

    name: str
    published: Path
    matched: Path


MODELS = (
    Model("reference model", AS_PUBLISHED, EXAMPLE),
    Model(
        "SmolLM2-135M-Instruct",
        REPORTS / "smollm2-as-published" / "example",
        REPORTS / "smollm2" / "example",
    ),
)
OF_PREDICTION = {
    "plateau-rare": "regimes-rare",
    "no-plateau-common": "regimes-common",
    "coordination": "coordination",
    "no-clusters": "clustering",
    "attention": "attention",
    "routing": "routing",
    "single-head": "single-head",
    "spectrum": "spectrum",
}
"""Claim of the paper's abstract -> prediction of the protocols."""
_OWN = ("dissociation", "other-direction", "shared-influence")


def finished_runs(folder: Path = REPORTS / "registered") -> list[Run]:
    """The registered runs, by the name of their protocol."""
    return [Run.open(path.parent) for path in sorted(folder.glob("*/*/results.json"))]


def findings() -> str:
    """A row a finding of the paper and model: claimed, measured against both opponents, agrees or not."""
    claims = {item.id: item for item in load_claims(CLAIMS).claims}
    runs = {path: Run.open(path) for model in MODELS for path in (model.published, model.matched)}
    rows: list[tuple[Inline, ...]] = []
    for name, prediction in OF_PREDICTION.items():
        for model in MODELS:
            published, matched = (
                _prediction(runs[path], prediction) for path in (model.published, model.matched)
            )
            rows.append(
                (
                    claims[name].says,
                    model.name,
                    _claimed(claims[name]),
                    _measured(published),
                    _stands(claims[name], published),
                    _measured(matched),
                    _stands(claims[name], matched),
                )
            )
    for prediction in _OWN:
        for model in MODELS:
            item = _prediction(runs[model.matched], prediction)
            rows.append(
                (f"{prediction}: {item.title}", model.name, "not in the paper", "", "", _measured(item), "")
            )
    head = ["finding", "model", "claimed", "as published", "agrees?", "by neurons alike", "agrees?"]
    return markdown(table(head, rows))


def registered() -> str:
    """A row a registered run: premise, verdicts, and what each deciding prediction came to."""
    rows: list[tuple[Inline, ...]] = []
    for run in finished_runs():
        results = run.results
        premises = [item for item in results.predictions if item.role == "premise"]
        deciding = [item for item in results.predictions if item.role == "deciding"]
        verdicts = [f"{item.hypothesis} {item.status}" for item in results.verdicts]
        anew, now = judged_anew(run)
        others = [
            f"{item.id} {anew[item.id].outcome}" for item in deciding if anew[item.id].outcome != item.outcome
        ]
        others += [
            f"{item.hypothesis} {status}"
            for item in results.verdicts
            if (status := now[item.hypothesis]) != item.status
        ]
        rows.append(
            (
                (code(results.protocol_id), f": {results.title}"),
                str(results.subject["name"]),
                joined("; ", [(item.id, ": ", _measured(item)) for item in premises]),
                joined("; ", [strong(item) for item in verdicts]),
                joined("; ", [(item.id, ": ", _measured(item)) for item in deciding]),
                ", ".join(others) or "the same",
            )
        )
    head = ["registered question", "model", "premise", "verdict", "outcomes", "by today's margins"]
    return markdown(table(head, rows))


def judged_anew(run: Run) -> tuple[dict[str, PredictionResult], dict[str, Status]]:
    """A run's predictions and verdicts by margins as narrow as what its nulls can show.

    The registered runs are of a time when margins against neighbours were as wide as declared, whatever share
    of the group these kept (`hypotest.inference.margins.diluted`). Effects, p-values and intervals are
    theirs.

    Args:
        run: A finished run.

    Returns:
        Predictions and statuses of hypotheses, by their names.
    """
    protocol = stored_plan(run.results.protocol)
    group = run.results.group
    assert group is not None
    kept_by_random = len(group.neurons) / group.n_neurons
    results, draws = [], StoredDraws.read(run.nulls)
    for asked, item in zip(protocol.predictions, run.results.predictions, strict=True):
        facts = group.draws.get(item.reference, {})
        if item.margin is None or facts.get("shared") is None:
            results.append(item)
            continue
        exchanged = diluted(facts["shared"], kept_by_random)
        compared = replace(draws.contrast(item), exchanged=exchanged)
        results.append(classify_prediction(asked, compared, protocol))
    together = adjust_together(results, protocol)
    return {item.id: item for item in together}, {
        verdict.hypothesis: verdict.status for verdict in judge(together, protocol)
    }


def _prediction(run: Run, name: str) -> PredictionResult:
    (item,) = [item for item in run.results.predictions if item.id == name]
    return item


def _claimed(claim: Claim) -> str:
    if claim.outcome:
        return " or ".join(claim.outcome)
    return "a plateau" if claim.at_least else "no plateau"


def _measured(item: PredictionResult) -> Inline:
    """Outcome, effect and 95 % interval; of a curve, whether it has a plateau."""
    if "has_plateau" in item.secondary:
        return "a plateau" if item.secondary["has_plateau"].value else "no plateau"
    numbers = prediction_text(item)
    interval = numbers.interval_95 if item.interval_95 is not None else "no interval"
    if item.reference_sd is not None and item.standardized is not None:
        against = f"{item.standardized:.1f} SD of {item.against}"
    elif item.reference == "value":
        against = f"against {numbers.reference}"
    else:
        against = f"against {item.against}"
    return (strong(item.outcome), f": {numbers.effect} {interval}, {against}")


def _stands(claim: Claim, item: PredictionResult) -> str:
    """Whether a run agrees with a claim, as `hypotest compare` judges it, whatever it is compared with."""
    if claim.outcome:
        return judge_outcome(claim.outcome, item.outcome)[0]
    measured, interval = quantity_of(item, claim.quantity)
    assert claim.range is not None and measured is not None
    return judge_range(claim.range, measured, interval)[0]


def public() -> str:
    """What ``hypotest show`` prints of the public model."""
    return printed("show", str(MODELS[1].matched.relative_to(ROOT)), cwd=ROOT)


def alternatives() -> str:
    """How often a choice that nobody had to make as it was made changes an outcome on SmolLM2."""
    data = json.loads((MULTIVERSE / "multiverse.json").read_text(encoding="utf-8"))
    items = TypeAdapter(tuple[Robustness, ...]).validate_python(data["robustness"])
    rows = [
        (
            code(item.prediction),
            strong(item.declared),
            f"{item.n_specifications}",
            ", ".join(f"{n} {outcome}" for outcome, n in sorted(item.outcomes.items())),
            f"{item.n_flips}",
            "" if item.responsible is None else item.responsible.choice,
        )
        for item in items
        if item.n_specifications > 1
    ]
    head = ["prediction", "declared", "specifications", "outcomes", "flips", "most by"]
    return markdown(table(head, rows, numeric=(2, 4)))


def compare() -> None:
    """Hold both runs as published against every claim of the paper, and put the comparison in place."""
    runs = [str(model.published.relative_to(ROOT)) for model in reversed(MODELS)]
    with tempfile.TemporaryDirectory() as folder:
        command("compare", *runs, "--with", str(CLAIMS.relative_to(ROOT)), "--out", folder)
        (comparison,) = Path(folder).glob("comparisons/*")
        shutil.rmtree(COMPARED, ignore_errors=True)
        shutil.copytree(comparison, COMPARED)


def main() -> None:
    """Write the comparison, and the tables between their marks."""
    compare()
    put(public(), PUBLIC)
    put(findings(), FINDINGS)
    put(registered(), REGISTERED)
    put(alternatives(), ALTERNATIVES)


if __name__ == "__main__":
    main()
