"""Model folders that are damaged or hostile: one clear error, nothing executed, nothing unpickled."""

from __future__ import annotations

import contextlib
import json
import pickle

import pytest
from safetensors.torch import load_file, save_file

from hypotest.errors import SubjectError
from hypotest.subjects.loading.hub import first_line
from hypotest.subjects.loading.loading import load_language_model, load_reader


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", 10**9), ("num_hidden_layers", 0), ("hidden_size", 10**15), ("vocab_size", -1),
        ("num_attention_heads", 10**12), ("intermediate_size", 10**18), ("model_type", ["gpt_neox"]),
        ("model_type", "\x1b[31m"), ("num_hidden_layers", "x"), ("hidden_act", "os.system"),
        ("rope_parameters", 3),
    ],
)  # fmt: skip
def test_a_damaged_configuration(folder, configure, key, value):
    configure(**{key: value})
    with pytest.raises(SubjectError, match=r"subject\.model"):
        load_language_model(str(folder), device="cpu")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[" * 5000, b"\xff" * 100, b"null", b"[]", b'{"version": 3}']
)
def test_a_damaged_file(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(SubjectError, match=r"subject\.model"):
        load_language_model(str(folder), device="cpu")


def test_code_in_a_folder_is_never_executed(folder, configure, tmp_path):
    trace = tmp_path / "executed"
    (folder / "evil.py").write_text(f"open({str(trace)!r}, 'w')\n")
    classes = ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer")
    configure(auto_map={name: "evil.Evil" for name in classes})
    with contextlib.suppress(SubjectError):  # refused, or loaded by the code of transformers
        load_language_model(str(folder), device="cpu")
    assert not trace.exists()


def test_nothing_but_tensors_is_read_from_a_pickle(folder, tmp_path):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(SubjectError, match=r"cannot load"):
        load_language_model(str(folder), device="cpu")
    assert not (tmp_path / "executed").exists()


def test_code_beside_tensors_is_not_run(folder, tmp_path):
    """A file that PyTorch itself has written, with something else among the tensors."""

    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    import torch
    from safetensors.torch import load_file

    weights = folder / "model.safetensors"
    torch.save({**load_file(weights), "evil": Evil()}, folder / "pytorch_model.bin")
    weights.unlink()
    (tmp_path / "executed").unlink(missing_ok=True)
    with pytest.raises(SubjectError, match=r"cannot load .* no plain tensors") as refused:
        load_language_model(str(folder), device="cpu")
    assert "weights_only" not in str(refused.value)  # PyTorch recommends the reader that runs it
    assert not (tmp_path / "executed").exists()


def test_weights_of_older_checkpoints_are_read(folder):
    """As most of Pythia's are kept: without safetensors."""
    import torch
    from safetensors.torch import load_file

    expected = load_language_model(str(folder), device="cpu").fingerprint
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    assert load_language_model(str(folder), device="cpu").fingerprint == expected


@pytest.mark.parametrize(
    "name", ["../nowhere", "/nowhere", "a\0b", "x" * 5000, "a/b/c", "https://x.y/z", "\x1b[31m"]
)
def test_names_that_are_neither_a_folder_nor_of_the_hub(tmp_path, name):
    with pytest.raises(SubjectError, match=r"subject\.model") as caught:
        load_language_model(name, base=tmp_path, device="cpu")
    assert str(caught.value).isprintable()


def test_kernels_that_are_not_installed_are_not_needed(folder, configure):
    plain = load_language_model(str(folder), device="cpu")
    configure(_attn_implementation="flash_attention_2", attn_implementation="flash_attention_2")
    loaded = load_language_model(str(folder), device="cpu")
    assert loaded.model.config._attn_implementation == "eager"
    assert loaded.settings_fingerprint == plain.settings_fingerprint


def test_a_folder_without_a_tokenizer(folder):
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(
        SubjectError, match=r"holds no tokenizer\.json: save the tokenizer there too \(.*from$"
    ):
        load_language_model(str(folder), device="cpu")


def test_a_message_that_goes_on_in_the_next_line_is_whole():
    assert first_line(ValueError("could not do it from one of:\n (1) a file,\n (2) a list.\nSee x")) == (
        "could not do it from one of: (1) a file, (2) a list"
    )
    assert first_line(ValueError("short.\nmore")) == "short"


def test_shapes_that_differ_from_the_configuration_are_named(folder, configure):
    configure(intermediate_size=100)
    with pytest.raises(
        SubjectError, match=r"such as .*mlp\.dense_4h_to_h\.weight: \(32, 96\), not \(32, 100\)"
    ):
        load_language_model(str(folder), device="cpu")


def test_a_model_that_was_saved_without_its_head(folder, configure):
    configure(architectures=["GPTNeoXModel"])
    weights = load_file(folder / "model.safetensors")
    head = {"lm_head.weight", "embed_out.weight"}  # as it is called in memory, and in files
    kept = {name: item for name, item in weights.items() if name not in head}
    save_file(kept, folder / "model.safetensors")
    with pytest.raises(SubjectError, match=r"no head that predicts .* it was saved as GPTNeoXModel"):
        load_language_model(str(folder), device="cpu")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_pointers_of_git_lfs(folder, name):
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(SubjectError, match=rf"{name} is a pointer of Git LFS, .* `git lfs pull`"):
        load_language_model(str(folder), device="cpu")


def test_a_gguf_file_that_is_a_pointer(tmp_path):
    (tmp_path / "a.gguf").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    )
    with pytest.raises(SubjectError, match=r"a\.gguf is a pointer of Git LFS"):
        load_reader(str(tmp_path / "a.gguf"))


def test_dropout_of_merges_does_not_change_tokens(folder):
    plain = load_reader(str(folder))
    text = "ban ber bis dor dun fan gar"
    file = folder / "tokenizer.json"
    data = json.loads(file.read_text())
    data["model"]["dropout"] = 0.5
    file.write_text(json.dumps(data))
    reader = load_reader(str(folder))
    assert reader.tokenizer.backend_tokenizer.model.dropout == 0.5
    assert all(reader.encode([text]) == plain.encode([text]) for _ in range(20))
    assert reader.tokenizer_fingerprint == plain.tokenizer_fingerprint
    assert reader.tokenizer.backend_tokenizer.model.dropout == 0.5
