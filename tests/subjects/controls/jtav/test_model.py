"""JTAV: shapes, gradients, and its fusion against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from hypotest.subjects.controls.jtav.encoders import DCRNN, AttBiGRU, CoverEncoder
from hypotest.subjects.controls.jtav.model import DENSE, JTAV, MODALITIES, WIDTH, OuterProducts
from hypotest.subjects.controls.jtav.songs import LABELS, songs


def test_encoders_give_a_vector_for_each_row() -> None:
    some = songs(4, np.random.default_rng(0))
    for attention in (True, False):
        assert AttBiGRU(10, attention=attention)(some.lyrics, some.captions).shape == (4, 10)
    assert DCRNN(10)(some.spectrograms).shape == (4, 10)
    assert CoverEncoder(10)(some.covers).shape == (4, 10)


def test_the_fusion_is_what_plain_loops_give() -> None:
    torch.manual_seed(1)
    fusion = OuterProducts(3, 4).double()
    for pool in fusion.pools:
        torch.nn.init.normal_(pool.bias)
    vectors = [torch.randn(1, 4, dtype=torch.float64) for _ in range(3)]
    expected: list[float] = []
    for one, other in ((0, 1), (0, 2), (1, 2)):
        x, y = vectors[one][0].tolist(), vectors[other][0].tolist()
        for rows in ([[a * b for b in y] for a in x], [[a * b for a in x] for b in y]):
            pool = fusion.pools[len(expected) // 4]
            w, b, u = pool.project.weight.tolist(), pool.bias.tolist(), pool.context.tolist()
            scores = [
                sum(
                    u[h] / (1 + math.exp(-b[place][h] - sum(r * w[h][i] for i, r in enumerate(row))))
                    for h in range(32)
                )
                for place, row in enumerate(rows)
            ]
            every = sum(map(math.exp, scores))
            expected += [
                sum(math.exp(score) / every * row[i] for score, row in zip(scores, rows, strict=True))
                for i in range(4)
            ]
    assert np.allclose(fusion(vectors)[0].tolist(), expected, rtol=1e-12)


def test_halves_have_the_direction_of_one_vector_and_a_length_of_both() -> None:
    torch.manual_seed(2)
    fusion = OuterProducts(3, WIDTH).double()
    vectors = [torch.randn(5, WIDTH, dtype=torch.float64) for _ in range(3)]
    halves = fusion(vectors).split(WIDTH, dim=1)
    assert fusion.directions == (1, 0, 2, 0, 2, 1)
    for half, which in zip(halves, fusion.directions, strict=True):
        cosine = torch.cosine_similarity(half, vectors[which], dim=1).abs()
        assert torch.allclose(cosine, torch.ones(5, dtype=torch.float64))
    longer = fusion([2 * vectors[0], *vectors[1:]]).split(WIDTH, dim=1)
    assert torch.linalg.vector_norm(longer[0] - halves[0]) > 0.1  # text changes the half of sound's direction


@pytest.mark.parametrize("fusing", ["outer products", "concatenation"])
@pytest.mark.parametrize("attention", [True, False])
def test_every_parameter_learns(fusing: str, attention: bool) -> None:
    torch.manual_seed(3)
    model, some = JTAV(fusing=fusing, attention=attention), songs(16, np.random.default_rng(0))  # type: ignore[arg-type]
    odds = model(*some.inputs)
    assert odds.shape == (16, len(LABELS))
    torch.nn.functional.binary_cross_entropy_with_logits(odds, some.labels).backward()
    still = [name for name, item in model.named_parameters() if item.grad is None or not item.grad.any()]
    assert still == []


def test_units_lie_where_they_are_said_to_lie() -> None:
    torch.manual_seed(4)
    model, some = JTAV().eval(), songs(3, np.random.default_rng(0))
    seen: dict[str, torch.Tensor] = {}
    for name in ("modalities", "fused", "dense"):
        model.fusion.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.__setitem__(name, output)
        )
    with torch.no_grad():
        model(*some.inputs)
        sound = torch.nn.functional.normalize(model.encoders["audio"](some.spectrograms))
    own = torch.tensor([part == "audio" for part in model.fusion.modality_of_unit])
    assert torch.allclose(seen["modalities"][:, own], sound)
    direction = torch.tensor([part == "audio" for part in model.fusion.modality_of_fused_unit])
    for half in seen["fused"][:, direction].split(WIDTH, dim=1):
        assert torch.allclose(torch.cosine_similarity(half, sound).abs(), torch.ones(3), atol=1e-4)
    assert seen["dense"].shape == (3, DENSE)
    assert seen["fused"].shape == (3, 6 * WIDTH) and seen["modalities"].shape == (3, len(MODALITIES) * WIDTH)


def test_a_single_modality_sees_no_other() -> None:
    model, some = JTAV(("text",)).eval(), songs(3, np.random.default_rng(0))
    with torch.no_grad():
        one = model(*some.inputs)
        other = model(some.lyrics, some.captions, some.spectrograms + 1, some.covers + 1)
    assert torch.equal(one, other)
    assert model.fusion.modality_of_fused_unit == ["text"] * WIDTH
