"""Encoders as subjects: what they are given, what they need, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from hypotest.errors import SubjectError
from hypotest.records.evidence.channels import Channel
from hypotest.subjects.anatomy.families import FAMILIES
from hypotest.subjects.anatomy.recognition import anatomy_of, n_neurons
from hypotest.subjects.loading.loading import load_language_model, load_reader
from hypotest.subjects.masking import PADDING, Masking, is_masked
from hypotest.subjects.untrained import untrained_model
from hypotest.subjects.wrapping import wrap_language_model
from tests.collect.encoders import (
    BEGINNING,
    ENCODERS,
    ENDING,
    MASK,
    N_NEURONS,
    encoder_model,
    small_encoder,
    small_tokenizer,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ENCODERS)
def test_every_family_is_proved_and_says_what_it_has(name):
    subject = small_encoder(name)
    assert subject.anatomy == FAMILIES[name]
    assert subject.own_anatomy is None
    assert subject.is_masked
    assert subject.n_neurons == N_NEURONS == n_neurons(ENCODERS[name](), "last", "it")
    assert Channel.ATTENTION not in subject.channels
    assert {Channel.HEADS, Channel.INFLUENCE, Channel.WEIGHTS, Channel.LESIONS} <= subject.channels
    assert subject.describe()["mask"] == "<mask>"
    assert subject.masking == Masking(MASK, (ENDING,), "<mask>")
    first = 2 if "rob" in name or name == "camembert" else 0  # positions from the padding token on
    assert subject.context == 40 - first - 1  # and what ends the text
    weight = subject.module("up_projection").weight
    assert torch.equal(subject.tested.input_vectors, weight[-N_NEURONS:])


def test_a_pass_ends_as_the_tokenizer_ends_a_text():
    masking = Masking.of(small_tokenizer(), "it")
    block = np.array([BEGINNING, 7, 8, 9, PADDING, PADDING], dtype=np.int32)
    assert masking.masked(block, 1).tolist() == [BEGINNING, 7, MASK, 9, ENDING]
    assert masking.masked(block, 2).tolist() == [BEGINNING, 7, 8, MASK, ENDING]
    assert block.tolist() == [BEGINNING, 7, 8, 9, PADDING, PADDING]


def test_a_folder_is_read_with_its_head(tmp_path):
    encoder_model("bert").save_pretrained(tmp_path)
    small_tokenizer().save_pretrained(tmp_path)
    reader = load_reader(str(tmp_path))
    assert reader.is_masked and reader.context == 39
    assert reader.beginning.by_itself == BEGINNING
    subject = load_language_model(str(tmp_path), layer=0)
    assert (subject.context, subject.layer) == (39, 0)


def test_weights_for_sentences_beside_the_head_are_no_obstacle(tmp_path):
    torch.manual_seed(1)
    transformers.BertForPreTraining(ENCODERS["bert"]()).save_pretrained(tmp_path)
    small_tokenizer().save_pretrained(tmp_path)
    assert load_language_model(str(tmp_path)).n_neurons == N_NEURONS


def test_an_encoder_without_its_head_is_refused():
    model = transformers.BertModel(ENCODERS["bert"]())
    with pytest.raises(SubjectError, match=r"no head that predicts masked tokens; .*BertForMaskedLM"):
        wrap_language_model(model, tokenizer=small_tokenizer())


def test_an_encoder_without_a_tokenizer_or_a_mask_is_refused():
    subject = wrap_language_model(encoder_model("bert"))
    with pytest.raises(SubjectError, match=r"an encoder needs its fast tokenizer"):
        _ = subject.context
    tokenizer = small_tokenizer()
    tokenizer.mask_token = None
    with pytest.raises(SubjectError, match=r"its tokenizer has no mask token"):
        _ = wrap_language_model(encoder_model("bert"), tokenizer=tokenizer).context


def test_a_bert_that_is_a_decoder_is_none_of_its_family_of_encoders():
    config = ENCODERS["bert"]()
    config.is_decoder = True
    assert not is_masked(config)
    model = transformers.BertLMHeadModel(config)
    with pytest.raises(SubjectError, match=r"has no head that predicts the next token"):
        wrap_language_model(model)


def test_an_encoder_with_a_decoder_is_still_refused():
    config = transformers.BartConfig(d_model=16, encoder_layers=1, decoder_layers=1, vocab_size=50)
    with pytest.raises(SubjectError, match="an encoder with a decoder"):
        wrap_language_model(transformers.BartForConditionalGeneration(config))


def test_a_family_without_a_row_is_recognised_by_its_modules():
    model = encoder_model("roberta").eval()
    model.config.model_type = "newcomer"
    anatomy = anatomy_of(model, 1, "x")
    assert (anatomy.family, anatomy.head, anatomy.fused_gate) == ("newcomer", "lm_head", False)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("bert", {"head": "bert.encoder.layer.1"}, r"anatomy\.head: .*first module behind the last block"),
        ("bert", {"attention": "bert.encoder.layer.{layer}"}, r"anatomy\.attention: .*attention weights"),
        (
            "distilbert",
            {"attention_projection": "distilbert.transformer.layer.{layer}.attention.q_lin"},
            r"anatomy\.attention_projection: .*ends with",
        ),
        ("modernbert", {"fused_gate": False}, r"anatomy\.fused_gate: .*shows True"),
    ],
)
def test_a_path_that_leads_elsewhere_is_named(name, change, says):
    with pytest.raises(SubjectError, match=says):
        wrap_language_model(encoder_model(name), tokenizer=small_tokenizer(), anatomy=change)


def test_a_gate_in_the_second_half_is_found_out():
    model = encoder_model("modernbert")
    for layer in model.model.layers:
        wide = layer.mlp.Wi
        with torch.no_grad():
            wide.weight.copy_(wide.weight.roll(N_NEURONS, dims=0))
        wide.register_forward_hook(lambda _module, _given, output: output.roll(N_NEURONS, dims=-1))
    assert wrap_language_model(model, tokenizer=small_tokenizer()).n_neurons == N_NEURONS
    for layer in model.model.layers:
        mlp = layer.mlp
        mlp.forward = lambda x, mlp=mlp: mlp.Wo(torch.mul(*_swapped(mlp, x)))
    with pytest.raises(SubjectError, match=r"must give gates and what they multiply, in this order"):
        wrap_language_model(model, tokenizer=small_tokenizer())


def _swapped(mlp, x):
    first, second = mlp.Wi(x).chunk(2, dim=-1)
    return first, mlp.act(second)


@pytest.mark.parametrize("weights", ["fresh", "permuted"])
def test_untrained_encoders(weights):
    subject = small_encoder("bert")
    other = untrained_model(subject, 0, weights, 1)
    assert isinstance(other.model, transformers.BertForMaskedLM)
    assert not torch.equal(other.output_vectors, subject.output_vectors)
    anatomy_of(other.model, 1, "x")
