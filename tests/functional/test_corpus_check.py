"""How many positions a text gives: those of a run, and without its model."""

import json
import re
import shutil

import numpy as np
import polars as pl
import pytest

from hypotest.engine.session import Session
from hypotest.errors import ProtocolError
from hypotest.ladder.distinct import count_distinct
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.prepare import prepare
from hypotest.registration import load_protocol
from hypotest.studies.corpus_check.study import check_corpus


@pytest.fixture(scope="module")
def checked(small_protocol, tmp_path_factory):
    return check_corpus(small_protocol, out=tmp_path_factory.mktemp("corpus"))


def test_the_positions_are_those_of_a_run(checked, small_protocol):
    plan = load_protocol(small_protocol)
    run = prepare(plan, small_protocol.parent, Session.start(plan.seed, device="cpu"), kept_out=())
    assert checked.blocks == len(run.blocks.tokens)
    assert checked.documents == len(run.documents) == 60
    assert checked.possible == run.sampled.eligible
    for item in checked.counts:
        rows = run.sampled.positions.filter(
            (pl.col("split") == item.split) & (pl.col("condition") == item.condition)
        )
        assert item.positions == rows.height == 60
        assert item.documents == rows["document"].n_unique()
        assert item.types == rows["target"].n_unique()
        top = rows["target"].value_counts()["count"].max() / rows.height
        assert item.top_type_share == pytest.approx(top)
        assert 1 <= item.effective_documents <= item.documents


def test_it_leaves_a_figure_and_numbers_behind(checked):
    assert {path.name for path in checked.folder.iterdir()} == {
        "corpus.json", "frequencies.png", "frequencies.svg",
    }  # fmt: skip
    data = json.loads((checked.folder / "corpus.json").read_text(encoding="utf-8"))
    assert data["possible"] == checked.possible
    assert data["counts"][0]["split"] == "selection"


def test_where_positions_are_short_the_cuts_stand_first(hypotest, small_protocol, tmp_path):
    folder = tmp_path / "protocols"
    shutil.copytree(small_protocol.parent, folder)
    path = folder / small_protocol.name
    text = re.sub(r"positions: \d+", "positions: 500000", small_protocol.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    done = hypotest("corpus", "check", path, "--out", tmp_path)
    assert done.returncode == 1
    assert said_after_the_cuts(done.stderr).startswith("error: sample.positions asks for 500000")


def said_after_the_cuts(stderr):
    """The line behind the table of cuts, which comes first."""
    others = ("...", " done in ", "warning: ")
    lines = [line for line in stderr.splitlines() if not any(word in line for word in others)]
    kinds = [line.partition(":")[0] for line in lines[:-1]]
    assert kinds == ["rare.target.frequency", "common.target.frequency"]
    assert all(re.search(r": \d[\d,]* of \d[\d,]* types, .* occurrences each", line) for line in lines[:-1])
    return lines[-1]


def test_no_model_is_loaded(small_protocol, tmp_path):
    folder = tmp_path / "protocols"
    shutil.copytree(small_protocol.parent, folder)
    model = tmp_path / "model"
    text = small_protocol.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("subject:")]
    shutil.copytree(line.partition("model: ")[2].rstrip("}"), model)
    (model / "model.safetensors").unlink()
    path = folder / "small.yaml"
    path.write_text(text.replace(line, f"subject: {{model: {model}}}"), encoding="utf-8")
    assert check_corpus(path, out=tmp_path / "out").asked == 120


def test_the_command(hypotest, small_protocol, tmp_path):
    done = hypotest("corpus", "check", small_protocol, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "60 documents in " in done.stdout
    assert "The protocol asks for 120 positions per condition" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert (tmp_path / "small" / "corpus" / "frequencies.png").stat().st_size > 10_000


def copied(small_protocol, folder, *replacements):
    """The protocol and its texts in a folder of their own, changed."""
    shutil.copytree(small_protocol.parent, folder)
    text = small_protocol.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = folder / small_protocol.name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_that_is_shorter_than_the_vocabulary_is_said(small_protocol, tmp_path):
    plan = load_protocol(small_protocol)
    counts = np.load(small_protocol.parent / plan.frequencies)
    assert counts.size == 400
    path = copied(
        small_protocol, tmp_path / "p", (f"frequencies: {plan.frequencies}", "frequencies: short.npy")
    )
    np.save(path.parent / "short.npy", counts[:390])
    check = check_corpus(path, out=tmp_path / "out")
    assert check.frequencies.n_unlisted_types == 10
    assert "ends before the last 10 token ids of the model, which count as never seen" in check.remarks[0]
    np.save(path.parent / "short.npy", counts)
    assert "never seen" not in check_corpus(path, out=tmp_path / "out").remarks[0]


def test_a_data_set_gives_the_positions_of_its_documents(checked, small_protocol, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "library"))
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    plan = load_protocol(small_protocol)
    path = copied(
        small_protocol,
        tmp_path / "p",
        (f"{{files: [{', '.join(plan.corpus.text.files)}]}}", "{hub: data, split: validation}"),
        (f"frequencies: {plan.frequencies}", "frequencies: {count: {hub: data, split: train}}"),
    )
    (path.parent / "data").mkdir()
    texts = [(path.parent / name).read_text(encoding="utf-8") for name in plan.corpus.text.files]
    for split in ("train", "validation"):
        pl.DataFrame({"text": texts}).write_parquet(path.parent / "data" / f"{split}.parquet")
    check = check_corpus(path, out=tmp_path / "out")
    assert check.sources == ("data validation",)
    assert check.possible == checked.possible
    assert check.counts == checked.counts
    assert check.frequencies == checked.frequencies


@pytest.mark.parametrize(
    ("old", "new", "message", "code"),
    [
        ("positions: 120", "positions: 100000", "ask for at most", 1),
        ("context: 32", "context: 64", "must be at most the 32 tokens", 2),
        ("subject: {model: ", "subject: {model: nowhere", "subject.model: ", 2),
    ],
)
def test_what_cannot_be(hypotest, small_protocol, tmp_path, old, new, message, code):
    path = copied(small_protocol, tmp_path / "protocols", (old, new))
    done = hypotest("corpus", "check", path, "--out", tmp_path / "out")
    assert done.returncode == code
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_rows_without_text_and_copies_are_said(hypotest, small_protocol, tmp_path):
    folder = tmp_path / "protocols"
    shutil.copytree(small_protocol.parent, folder)
    path = folder / small_protocol.name
    first = next(iter(sorted(folder.glob("*.txt"))))
    (folder / "more.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in (None, "", first.read_text(), "A new one."))
    )
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{files: [", "{files: [more.jsonl, "), encoding="utf-8")
    done = hypotest("corpus", "check", path, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r"[\d.]+ % of the text's [\d,]+ tokens lie in blocks", said)
    assert "Files or rows that were left out: 2 without text and 1 with the text of another." in said
    (file,) = (tmp_path / "out").rglob("corpus.json")
    assert json.loads(file.read_text())["empty"] == 2 and json.loads(file.read_text())["copies"] == 1


def test_help_has_an_example(hypotest):
    done = hypotest("corpus", "check", "--help")
    assert "Example: hypotest corpus check" in done.stdout


@pytest.fixture
def coarse(small_protocol, tmp_path):
    """A plan with too few relabellings: the rarest types against the most common ones, a few of each."""
    path = copied(
        small_protocol,
        tmp_path / "coarse",
        ("below_percentile: 50", "below_percentile: 10"),
        ("from_percentile: 50", "from_percentile: 99"),
        ("positions: 120", "positions: 20"),
    )
    return path


def test_what_a_run_refuses_is_refused_here_in_the_same_words(hypotest, coarse, tmp_path):
    here = hypotest("corpus", "check", coarse, "--out", tmp_path / "out")
    run = hypotest("run", coarse, "--out", tmp_path / "out")
    registered = hypotest("register", coarse)
    assert (here.returncode, run.returncode, registered.returncode) == (2, 2, 2), here.stdout + run.stderr
    (line,) = [text for text in here.stderr.splitlines() if "label_shuffled" in text]
    assert "needs at least" in line and "What does, tried on this text: (1)" in line
    assert line in run.stderr and line in registered.stderr
    assert said_after_the_cuts(here.stderr) == line
    assert not list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else True


def test_following_the_remedy_is_accepted(coarse, tmp_path):
    """The percentiles that the message names, written into the file: accepted here and by a run."""
    with pytest.raises(ProtocolError) as caught:
        check_corpus(coarse, out=tmp_path / "out")
    match = re.search(
        r"(?:conditions\.rare\.target\.frequency\.below_percentile: ([\d.]+) and )?"
        r"conditions\.common\.target\.frequency\.from_percentile: ([\d.]+) \(([\d,]+|over 10\^\d+), where",
        str(caught.value),
    )
    assert match is not None, str(caught.value)
    text = coarse.read_text(encoding="utf-8")
    text = text.replace("below_percentile: 10,", f"below_percentile: {match[1] or 10},")
    coarse.write_text(text.replace("from_percentile: 99,", f"from_percentile: {match[2]},"), encoding="utf-8")
    assert check_corpus(coarse, out=tmp_path / "out").asked == 20
    plan = load_protocol(coarse)
    prepared = prepare(plan, coarse.parent, Session.start(plan.seed, device="cpu"), kept_out=())
    check_reach(plan, prepared, prepared.subject.n_neurons, coarse)
    counted = {item.null: item.number for item in count_distinct(plan, prepared.sampled.positions, None)}
    assert counted["label_shuffled"] == match[3]
