"""Preregistered hypothesis tests for what is inside a neural network.

A protocol (YAML) states what rival hypotheses predict; a run collects evidence from the model, compares
the selected neurons with control groups, and gives a verdict with effect sizes::

    Protocol -> Evidence -> Group + Nulls -> Measurements -> Test results -> Verdict -> Report

    cli            one function per command
    studies        what asks for many runs or none: a folder each, with its record and page
    pipeline       a whole run on one screen
    report         what each page says; figures, export
    pages          the document model, and one file for each format: Markdown, console
    verdict        outcomes + decision rule -> verdict
    registration   YAML -> protocol, or everything that is wrong with it
    measures       what can be measured: one file, one measure
    nulls          what a group is compared with: one file, one null
    ladder         every null of a prediction, side by side
    testing        one measure on evidence: selection, nulls, intervals, comparison
    predicates     which positions a condition has: one file, one predicate
    corpora        documents, blocks, frequencies, positions
    subjects       the network under test, and the reference model
    collect        activations, attention, ablations -> evidence, on disk
    groups         which neurons, and what they are compared with
    estimators     arrays -> numbers
    inference      numbers -> p-values, intervals, outcomes
    records        the data that flows
    engine         what work runs with: random streams, cores, memory, cache, progress
    errors         every error a user can meet

From Python::

    import hypotest

    hypotest.explore("protocols/rare-tokens.yaml")  # the selection split, before anything is registered
    hypotest.power("protocols/rare-tokens.yaml")  # before any evaluation data: what can be seen
    hypotest.forecast("protocols/rare-tokens.yaml")  # runs, hours and gigabytes
    hypotest.register("protocols/rare-tokens.yaml")  # so that the run is confirmatory
    result = hypotest.run("protocols/rare-tokens.yaml")
    result = hypotest.run("protocols/rare-tokens.yaml", model=model, tokenizer=tokenizer)  # from memory
    series = hypotest.run_series("every-layer.yaml")  # several models, checkpoints or layers
    evidence = hypotest.load_evidence(result)
    analysis = hypotest.analyse(protocol, evidence)  # the tests alone, on any evidence
    groups, random = hypotest.groups_to_lesion(protocol, evidence)  # what its measures of lesions read

    protocol = hypotest.load_protocol("protocols/rare-tokens.yaml")  # or hypotest.Protocol(...)
    protocol.replace({"nulls.size_matched.draws": 4999}, seed=3).to_yaml()  # checked as a file is

    with hypotest.progress() as shown:  # in a terminal or a notebook
        hypotest.run("protocols/rare-tokens.yaml", start_stage=shown.start_stage)

    result = hypotest.open_run("reports/rare-tokens/example")  # a finished one, without its model
    result = hypotest.demo()  # the one that ships with hypotest

    found = hypotest.multiverse("protocols/rare-tokens.yaml")  # the same under its declared alternatives

    compared = hypotest.compare(["reports/a/one", "reports/b/two"])  # several models, pooled

    checked = hypotest.verify(result)  # its hashes, and every number again from its evidence

    hypotest.bundle(result)  # one file, which verify checks on a machine without cache and model

    hypotest.prune_cache(older_than=30)  # evidence that no run in reports/ needs; the log of documents stays

    trained = hypotest.controls.two_blocks(seed=1)  # a network whose organisation is known, with its data

    evidence = hypotest.record(model, ids, rows, module="model.layers.79.mlp.down_proj")  # of a host

    ablated = hypotest.ablate_neurons(model, tokens)  # all neurons, certified, without a protocol
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

warnings.filterwarnings("ignore", message="IProgress not found")  # tqdm, in notebooks: no bar of its is shown

if TYPE_CHECKING:
    from pathlib import Path

    from hypotest.collect.neurons import ablate_neurons
    from hypotest.pipeline.analysis.analysis import Analysis
    from hypotest.pipeline.analysis.complete import analyse
    from hypotest.pipeline.analysis.lesioned import groups_to_lesion
    from hypotest.pipeline.run import load_evidence, run
    from hypotest.registration.built import Protocol, load_protocol
    from hypotest.report.progress import progress
    from hypotest.report.run import Run
    from hypotest.studies.bundle.study import bundle
    from hypotest.studies.cache.study import cache_contents, prune_cache
    from hypotest.studies.compare.study import compare
    from hypotest.studies.demo.study import demo
    from hypotest.studies.explore.study import explore
    from hypotest.studies.forecast.study import forecast
    from hypotest.studies.hosted import record
    from hypotest.studies.multiverse.study import multiverse
    from hypotest.studies.power.study import power
    from hypotest.studies.register.study import register
    from hypotest.studies.series.study import run_series
    from hypotest.studies.verify.study import verify
    from hypotest.subjects.controls.registry import controls
    from hypotest.subjects.network.network import Network
    from hypotest.subjects.network.units import Units
    from hypotest.subjects.recorded.evidence import RecordedEvidence as Evidence

__all__ = [
    "Analysis",
    "Evidence",
    "Network",
    "Protocol",
    "Run",
    "Units",
    "ablate_neurons",
    "analyse",
    "bundle",
    "cache_contents",
    "compare",
    "controls",
    "demo",
    "explore",
    "forecast",
    "groups_to_lesion",
    "load_evidence",
    "load_protocol",
    "multiverse",
    "open_run",
    "power",
    "progress",
    "prune_cache",
    "record",
    "register",
    "run",
    "run_series",
    "verify",
]

_HOMES = {
    "Analysis": "hypotest.pipeline.analysis.analysis",
    "Evidence": "hypotest.subjects.recorded.evidence",
    "Network": "hypotest.subjects.network.network",
    "Protocol": "hypotest.registration.built",
    "Run": "hypotest.report.run",
    "Units": "hypotest.subjects.network.units",
    "ablate_neurons": "hypotest.collect.neurons",
    "analyse": "hypotest.pipeline.analysis.complete",
    "bundle": "hypotest.studies.bundle.study",
    "cache_contents": "hypotest.studies.cache.study",
    "compare": "hypotest.studies.compare.study",
    "controls": "hypotest.subjects.controls.registry",
    "demo": "hypotest.studies.demo.study",
    "explore": "hypotest.studies.explore.study",
    "forecast": "hypotest.studies.forecast.study",
    "groups_to_lesion": "hypotest.pipeline.analysis.lesioned",
    "load_evidence": "hypotest.pipeline.run",
    "load_protocol": "hypotest.registration.built",
    "multiverse": "hypotest.studies.multiverse.study",
    "power": "hypotest.studies.power.study",
    "progress": "hypotest.report.progress",
    "prune_cache": "hypotest.studies.cache.study",
    "record": "hypotest.studies.hosted",
    "register": "hypotest.studies.register.study",
    "run": "hypotest.pipeline.run",
    "run_series": "hypotest.studies.series.study",
    "verify": "hypotest.studies.verify.study",
}

_NAMES = {"Evidence": "RecordedEvidence"}
"""Public name -> name at home, where that differs: at home evidence is what was collected here."""


def open_run(folder: str | Path) -> Run:
    """Open the folder of a finished run; needs no model.

    Args:
        folder: Holds ``results.json``, ``nulls.parquet`` and ``manifest.json``.

    Raises:
        OutputError: If it is not a run's folder, or is damaged.
    """
    from hypotest.report.run import Run

    return Run.open(folder)


def __dir__() -> list[str]:
    """What there is for users: nouns and verbs."""
    return sorted([*__all__, "__doc__", "__version__"])


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `hypotest validate` does not wait for torch."""
    if name == "__version__":
        from importlib.metadata import version

        return version("hypotest-nn")
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), _NAMES.get(name, name))
    raise AttributeError(f"module 'hypotest' has no attribute {name!r}")
