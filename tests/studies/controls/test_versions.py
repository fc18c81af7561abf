"""Versions of a network side by side: means, ranges, and differences seed by seed, by hand."""

from hypotest.pages.document import document
from hypotest.pages.markdown import markdown
from hypotest.studies.controls.record import Examined, LesionTruth, Verdict
from hypotest.studies.controls.study import results_of
from hypotest.studies.controls.versions import version_tables, versions_of

NO_LESIONS = ((0.1,), (0.1,))
VERDICT = Verdict({}, {}, (), ((), ()), "hash")


def of(control, seed, *log):
    return Examined(control, seed, True, "key", LesionTruth(NO_LESIONS, 0.0, None, (), log), VERDICT)


def last_row(fused, beside):
    scores = {"JTAV": fused, "concatenation": beside}
    return scores | {f"{name}: happy": value / 2 for name, value in scores.items()}


def test_scores_and_differences_by_seed():
    epoch = {"epoch": 1.0, "loss of JTAV": 3.0}
    records = [
        *(of(name, 0, epoch, last_row(0.9, 0.8)) for name in ("jtav", "jtav-fused")),
        of("jtav", 1, epoch, last_row(0.7, 0.8)),
        of("jtav", 2, epoch, last_row(0.5, 0.8)),
        of("dense", 0, {"step": 1.0, "accuracy": 0.9}),
    ]
    results = results_of(records)
    assert [versions_of(item) for item in results] == [
        [],
        ["JTAV", "concatenation"],
        ["JTAV", "concatenation"],
    ]
    text = markdown(*document(version_tables(results)).blocks)
    # above concatenation by 0.1, -0.1 and -0.3: mean -0.1, better once; half the score is 0.35 on average
    assert "| JTAV | 0.700 [0.500, 0.900] | -0.1000 [-0.3000, 0.1000], 1/3 | 0.35 |" in text
    assert "| concatenation | 0.800 [0.800, 0.800] | - | 0.40 |" in text
    assert text.count("| JTAV |") == 1  # networks of one training are shown once
    assert "area under the curve" in text


def test_nothing_where_no_versions_were_trained():
    assert not list(
        version_tables(results_of([of("dense", 0, {"step": 1.0, "accuracy": 0.9}), of("dense", 1)]))
    )
