"""``hypotest power`` as a user meets it, and what it must not touch."""

import json
import shutil

import polars as pl
import pytest

import hypotest as package
from tests.functional.protocols import with_predictions
from tests.functional.watching import watch_model


@pytest.fixture(scope="module")
def protocol(small_protocol):
    """Most documents on the selection side, so that each half has enough of them for intervals."""
    path = small_protocol.with_name("power.yaml")
    text = small_protocol.read_text(encoding="utf-8")
    text = text.replace("positions: 120", "positions: 240").replace(
        "group: {", "split: {selection: 0.8}\ngroup: {", 1
    )
    path.write_text(text.replace("id: small\n", "id: small-power\n", 1), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def foreseen(hypotest, protocol, tmp_path_factory):
    out, cache = tmp_path_factory.mktemp("reports"), tmp_path_factory.mktemp("power-cache")
    done = hypotest("power", protocol, "--out", out, "--device", "cpu", HYPOTEST_CACHE=str(cache))
    return done, out / "small-power" / "power", cache


def test_it_prints_a_table_and_leaves_table_curve_and_report(foreseen):
    done, folder, _ = foreseen
    record = json.loads((folder / "power.json").read_text(encoding="utf-8"))
    assert done.returncode == (1 if record["refused"] else 0), done.stderr
    assert "Traceback" not in done.stderr
    for name in ("specialization", "coordination", "routing", "single-head", "spectrum", "will take about"):
        assert name in done.stdout
    assert "regimes" not in done.stdout.partition("Longest")[0]  # descriptive: it decides nothing
    assert "\x1b" not in done.stdout
    lines = [line for line in done.stdout.splitlines() if not line.startswith("Report:")]
    assert max(map(len, lines)) <= 80
    names = {"power.md", "power.json", "power.parquet", "power.svg", "power.png"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "power.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_record_holds_what_was_foreseen(foreseen):
    _, folder, _ = foreseen
    record = json.loads((folder / "power.json").read_text(encoding="utf-8"))
    plan = [item for item in record["predictions"] if item["declared"]]
    assert [item["id"] for item in plan] == [
        "specialization", "coordination", "clustering", "attention", "routing", "single-head",
        "head-specificity", "spectrum",
    ]  # fmt: skip
    by_id = {item["id"]: item for item in plan}
    assert record["group_size"] == 14  # 0.15 of 96
    assert {item["group_size"] for item in record["predictions"]} == {None, 7, 14}  # 28 is over a fifth
    assert by_id["attention"]["scale"] > 0  # no type holds so much that there are too few
    for item in plan:
        assert item["scale"] > 0, item["id"]
        assert item["power"] == sorted(item["power"])
        assert item["smallest"][0] <= item["smallest"][1]
        assert item["smallest"][0] < item["seen"][0]
    assert 0.9 < by_id["coordination"]["ceiling"] <= 1
    assert by_id["coordination"]["equivalent"] < by_id["coordination"]["ceiling"]
    assert by_id["spectrum"]["equivalent"] == 0.0  # no interval: never concluded
    assert by_id["routing"]["unit"] == "standard error"
    assert {item["outcome"] for item in by_id["clustering"]["reach"]} == {"greater", "equivalent", "less"}
    for item in plan:
        (equivalent,) = [one for one in item["reach"] if one["outcome"] == "equivalent"] or [None]
        if equivalent is not None and equivalent["chance"] is not None:
            chance, low = equivalent["chance"], (item["ceiling"] or 1.0) < 0.9
            status = "out of reach" if low or chance < 0.5 else "good" if chance >= 0.8 else "doubtful"
            if item["id"] == "clustering" and status == "out of reach":  # `less` supports distributed as well
                status = "doubtful"
                assert equivalent["reason"].endswith("What can come out is `less`")
            assert equivalent["status"] == status
            named = any(text.startswith(f"predictions.{item['id']}: refused") for text in record["refused"])
            assert named == (status == "out of reach")
        assert (item["margins"] is None) == (item["margin"] is None)
    table = pl.read_parquet(folder / "power.parquet")
    assert set(table["prediction"]) == set(by_id)
    assert table["power"].is_between(0, 1).all()
    assert set(table.filter(pl.col("prediction") == "coordination")["draws"]) == {99, 599, 999, 9999}


def test_a_run_goes_on_from_the_evidence_and_took_about_what_was_estimated(
    hypotest, protocol, foreseen, tmp_path
):
    _, folder, cache = foreseen
    (key,) = (path.name for path in (cache / "evidence").iterdir())  # the selection split, nothing else
    before = {path: path.stat().st_mtime_ns for path in (cache / "evidence" / key).rglob("*.npy")}
    done = hypotest("run", protocol, "--out", tmp_path, "--device", "cpu", HYPOTEST_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("small-power/*")
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["evidence"]["selection"] == key
    assert {path: path.stat().st_mtime_ns for path in before} == before  # not collected again

    costs = json.loads((folder / "power.json").read_text(encoding="utf-8"))["costs"]
    taken = manifest["durations_seconds"]
    after = {"placebos", "hidden bias"}  # a tenth of the tests, which no estimate counts
    assert {item["stage"] for item in costs["stages"]} == set(taken) - after
    estimated = sum(item["seconds"] for item in costs["stages"] if not item["cached"])
    real = sum(seconds for stage, seconds in taken.items() if "selection split" not in stage)
    assert real / 6 < estimated < 6 * real  # seconds on a busy machine; the order of magnitude must hold
    size = sum(path.stat().st_size for path in (cache / "evidence").rglob("*.npy"))
    assert costs["evidence_bytes"] == pytest.approx(size, rel=0.35)  # weights and positions come on top


@pytest.fixture(scope="module")
def quick(hypotest, protocol, tmp_path_factory):
    out, cache = tmp_path_factory.mktemp("quick"), tmp_path_factory.mktemp("quick-cache")
    done = hypotest("power", protocol, "--quick", "--out", out, "--device", "cpu", HYPOTEST_CACHE=str(cache))
    return done, out / "small-power" / "power"


def test_a_quick_look_says_what_it_gives_up_and_refuses_nothing(quick):
    done, folder = quick
    assert done.returncode == 0, done.stderr
    record = json.loads((folder / "power.json").read_text(encoding="utf-8"))
    assert (record["costs"], record["refused"]) == (None, [])
    assert {item["group_size"] for item in record["predictions"]} == {None, 14}  # the declared size alone
    for text in (done.stdout, (folder / "power.md").read_text(encoding="utf-8")):
        words = " ".join(text.split())
        assert "a quick look: at most 499 draws of each null;" in words
        assert "95 % Monte Carlo intervals" in words and "will take about" not in words
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 80


def test_a_quick_look_sees_what_the_full_one_sees(quick, foreseen):
    """On the same documents: within the Monte Carlo intervals that it prints, or of what both can be off."""
    one, two = (
        {
            item["id"]: item
            for item in json.loads((folder / "power.json").read_text(encoding="utf-8"))["predictions"]
            if item["declared"]
        }
        for folder in (quick[1], foreseen[1])
    )
    assert list(one) == list(two)
    for name, mine in one.items():
        full, off = two[name], mine["monte_carlo"]
        assert mine["scale"] == pytest.approx(full["scale"], rel=0.2)
        assert (off is None) == (full["draws"] is None) and full["monte_carlo"] is None
        if off is None:
            continue
        assert off["draws"] <= 499 and len(off["power"]) == 4
        for (low, high), power in zip(off["power"], mine["power"], strict=True):
            assert 0 <= low <= high <= 1
            assert low - 0.05 <= power <= high + 0.05
        assert off["seen"][0] < mine["seen"][0] * 1.1 and off["seen"][1] > mine["seen"][0] * 0.9
        assert off["seen"][0] / 1.3 < full["seen"][0] < off["seen"][1] * 1.3


def test_nothing_of_the_evaluation_split_is_run_or_read(protocol, tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    text = protocol.read_text(encoding="utf-8")
    protocol = protocol.with_name("spied.yaml")
    names = ("specialization", "coordination", "attention", "single-head")
    protocol.write_text(with_predictions(text, *names), encoding="utf-8")
    prepared, seen, forbidden = watch_model(protocol, monkeypatch)
    monkeypatch.setattr("hypotest.studies.power.study.QUICK_POSITIONS", 30)
    package.power(protocol, out=tmp_path / "reports", device="cpu", quick=True)
    assert seen and not seen & forbidden
    (some,) = (path.name for path in (tmp_path / "cache" / "evidence").iterdir())
    assert some != prepared.keys.selection  # some of the selection split's documents
    shutil.rmtree(tmp_path / "cache" / "evidence")
    seen.clear()
    result = package.power(protocol, out=tmp_path / "reports", device="cpu")
    assert seen and not seen & forbidden
    assert [path.name for path in (tmp_path / "cache" / "evidence").iterdir()] == [prepared.keys.selection]
    planned = prepared.samples["evaluation"].positions["document"].n_unique()
    assert result.documents.planned == planned
    assert tuple(item.id for item in result.plan) == names
    assert set(result.table["prediction"]) == {*names}


def test_an_equivalence_out_of_reach_is_refused(hypotest, protocol, foreseen, tmp_path):
    _, _, cache = foreseen
    path = protocol.with_name("refused.yaml")
    text = protocol.read_text(encoding="utf-8")
    text = with_predictions(text, "coordination", "head-specificity")
    path.write_text(text.replace("null_sd: 2", "null_sd: 1"), encoding="utf-8")
    done = hypotest("power", path, "--out", tmp_path, "--device", "cpu", HYPOTEST_CACHE=str(cache))
    assert done.returncode == 1
    assert "REFUSED: head-specificity" in done.stdout
    assert "predictions.head-specificity: refused" in done.stderr
    assert "predictions.coordination" not in done.stderr  # nobody expects equivalence there
    assert "Traceback" not in done.stderr
    report = (tmp_path / "small-power" / "power" / "power.md").read_text(encoding="utf-8")
    assert "[!CAUTION]" in report


def test_too_few_documents_for_intervals_are_said(hypotest, small_protocol, tmp_path):
    """30 documents on the selection side: 15 a half, where an interval needs 20."""
    path = small_protocol.with_name("few.yaml")
    text = with_predictions(small_protocol.read_text(encoding="utf-8"), "specialization", "attention")
    path.write_text(text, encoding="utf-8")
    done = hypotest("power", path, "--out", tmp_path, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "small" / "power" / "power.md").read_text(encoding="utf-8")
    assert "attention: no interval, so nothing can be foreseen" in report
    assert [path.name for path in (tmp_path / "small").iterdir()] == ["power"]
