"""What a network must be, and what it says where it is not: before anything is collected."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

import hypotest
from hypotest.errors import SubjectError
from tests import networks as small


def made(module: nn.Module | None = None, **changed: Any) -> Any:
    module = (
        small.seeded(lambda: nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)))
        if module is None
        else module
    )
    keys = {"units": "1", "rows": small.rows(), "inputs": small.inputs(5), "outcome": "cross_entropy"}
    return hypotest.Network(module, **{**keys, **changed})


def refused(*words: str, **keys: Any) -> str:
    with pytest.raises(SubjectError) as caught:
        made(**keys)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    return message


class Without(nn.Module):
    """Takes a function for its forward."""

    def __init__(self, forward: Any, **parts: nn.Module) -> None:
        super().__init__()
        self.hidden = nn.Linear(5, 8)
        for name, part in parts.items():
            setattr(self, name, part)
        self.called = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self.called(self, self.hidden(x))


def test_units_that_name_no_module() -> None:
    module = small.seeded(small.TwoBranches)
    given = {"module": module, "inputs": {"x": small.inputs(5), "y": small.inputs(4)}, "outcome": "mse"}
    refused("'fusoin'", "did you mean fusion", **{**given, "units": "fusoin"})
    refused("'block.side'", "did you mean side", **{**given, "units": "block.side"})
    refused("'zzz'", "it has a, b, fusion, out, side", **{**given, "units": "zzz"})
    refused("has none", "torch.nn.Sequential", module=nn.Linear(5, 3).double(), units="anything")
    refused("must be the path of a submodule", units=7)


def test_a_module_whose_output_has_no_rows() -> None:
    summed = Without(lambda self, h: h.sum(dim=0)).double()
    refused("output must hold a row for each row", "(8,)", module=summed, units="hidden")
    refused("must give a tensor; found int", module=Without(lambda self, h: 3).double(), units="hidden")


def test_units_whose_output_has_no_rows() -> None:
    pooled = Without(lambda self, h: h[:, :3] + self.mix(h.mean(dim=0)), mix=nn.Linear(8, 3)).double()
    message = refused(module=pooled, units="mix")
    assert "must be its own" in message or "must hold the rows" in message


def test_rows_that_look_at_each_other() -> None:
    centred = Without(lambda self, h: (h - h.mean(dim=0))[:, :3]).double()
    refused("each row's output must be its own", "with other rows beside it", module=centred, units="hidden")
    norm = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)).double()
    before = norm[1].running_mean.clone()
    refused("1 is a batch norm in training mode", "module.eval()", module=norm)
    assert torch.equal(norm[1].running_mean, before)  # which a pass would have changed
    assert made(norm.eval()).n_neurons == 8


def test_dropout_that_is_on() -> None:
    module = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.2), nn.Linear(8, 3)).double()
    refused("must be deterministic", "dropout is on in 1", "module.eval()", module=module, units="0")
    assert made(module.eval(), units="0").n_neurons == 8
    drawn = Without(lambda self, h: nn.functional.dropout(h, 0.2)[:, :3]).double().eval()
    refused("must be deterministic", "two outputs", module=drawn, units="hidden")


def test_an_outcome_that_is_not_per_row() -> None:
    averaged = lambda output, rows: nn.functional.cross_entropy(output, torch.tensor(rows["target"]))  # noqa: E731
    refused("one floating-point number for each row", "shape ()", "reduction='none'", outcome=averaged)
    refused("torch.bool", outcome=lambda output, rows: output.argmax(1) == 0)
    refused("found float", outcome=lambda output, rows: 0.5)
    refused("finite", "row 0", outcome=lambda output, rows: output[:, 0] * float("nan"))
    refused(
        "must be deterministic", "computed twice", outcome=lambda out, rows: out[:, 0] + torch.rand(len(out))
    )
    refused("cross_entropy, mse", "'accuracy'", outcome="accuracy")
    refused("reads the column 'target'", "kind", outcome="mse", rows={"kind": ["a"] * small.N_ROWS})
    refused("reads the column 'label'", outcome={"mse": "label"})


@pytest.mark.parametrize(
    "mixing",
    [
        lambda output, rows: output[:, 0] - output[:, 0].mean(),
        lambda output, rows: -output.log_softmax(0)[:, 0],
        lambda output, rows: output[:, 0] / output[:, 0].norm(),
        lambda output, rows: output.sum().expand(len(output)),
    ],
)
def test_an_outcome_that_mixes_rows(mixing) -> None:
    """Every row has a number, and it hangs on the rows beside it."""
    refused("each row's outcome must be its own", "over the rows", outcome=mixing)


def test_an_outcome_or_a_module_that_fails() -> None:
    refused("outcome", "it says: KeyError: 'label'", outcome=lambda output, rows: rows["label"])
    refused("it says: TypeError", "2 were given", outcome=lambda output: output[:, 0])
    given = small.rows()
    refused("'target'", "Target 7 is out of bounds", rows={**given, "target": [7] * 36})
    refused("'target'", "whole numbers", rows={**given, "target": [0.5] * 36})  # which were cut to 0
    refused("gives 3 numbers, and its target is 1", outcome="mse")  # which were repeated three times
    for error in (KeyError("x"), AssertionError("x"), AttributeError("x")):

        def fails(self: Any, h: torch.Tensor, error: Exception = error) -> torch.Tensor:
            raise error

        refused("the module must run", type(error).__name__, module=Without(fails).double(), units="hidden")


def test_half_precision() -> None:
    for kind in (torch.float16, torch.bfloat16):
        coarse = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)).to(kind)
        refused("float32 or float64", "0.weight", "module.float()", module=coarse)


def test_names_that_cannot_be_shown() -> None:
    for name in (3, "", "two\nlines"):
        with pytest.raises(SubjectError, match="line of text"):
            made(name=name)


def test_named_outcomes() -> None:
    given = small.rows()
    output = made().module(small.inputs(5))
    target = torch.tensor(given["target"])
    every = np.arange(small.N_ROWS)
    with torch.no_grad():
        torch.testing.assert_close(
            made().outcome(output, every)[0], nn.functional.cross_entropy(output, target, reduction="none")
        )
        wanted = torch.randn(small.N_ROWS, 3)
        by_mse = made(rows={**given, "wanted": wanted}, outcome={"mse": "wanted"}).outcome(output, every)[0]
        torch.testing.assert_close(by_mse, (output - wanted).square().mean(dim=1))


@pytest.mark.parametrize("form", ["polars", "pandas", "lists", "arrays", "tensors"])
def test_an_outcome_gets_the_rows_as_they_were_given(form: str) -> None:
    given = {name: values for name, values in small.rows().items() if name != "kind"}
    frames: dict[str, Any] = {
        "polars": pl.DataFrame(given),
        "pandas": pytest.importorskip("pandas").DataFrame(given),
        "lists": given,
        "arrays": {name: np.array(values) for name, values in given.items()},
        "tensors": {name: torch.tensor(values) for name, values in given.items()},
    }
    seen: list[Any] = []

    def outcome(output: torch.Tensor, rows: Any) -> torch.Tensor:
        seen.append(rows)
        target = torch.tensor(np.asarray(rows["target"]).tolist())
        return nn.functional.cross_entropy(output, target, reduction="none")

    network = made(rows=frames[form], outcome=outcome, clusters="cluster")
    assert all(type(rows) is type(frames[form]) for rows in seen)
    some = np.array([4, 9, 2])
    with torch.no_grad():
        output = network.module(small.inputs(5))[some]
    torch.testing.assert_close(network.outcome(output, some), made().outcome(output, some))
    assert network.rows.frame["cluster"].to_list() == given["cluster"]
    assert network.rows.n_clusters == small.N_ROWS // 3


def test_clusters() -> None:
    assert made().rows.n_clusters == small.N_ROWS  # each row its own
    assert made(clusters=[0] * 18 + [1] * 18).rows.n_clusters == 2
    refused("names the column 'song'", "kind, cluster, target", clusters="song")
    refused("one label for each of the 36 rows", "(2,)", clusters=[1, 2])
    refused("a label for each row", clusters=[None] + ["a"] * 35)


def test_rows_and_inputs_of_other_numbers() -> None:
    refused("36 rows along their first axis", "(35, 5)", inputs=small.inputs(5)[:35])
    refused("columns of one length", rows={"kind": ["a"] * 36, "target": [0]})
    refused("at least one row", rows={"kind": []})
    refused("polars or pandas", "found list", rows=[1, 2])
    refused("the module must run on its inputs", "(36, 4)" if False else "4", inputs=small.inputs(4))
    refused("a tensor or an array of numbers", inputs="text")


def test_a_partition() -> None:
    assert made(partition=["a"] * 4 + ["b"] * 4).partition.names == ("a", "b")
    named = made(partition={"late": [4, 5, 6, 7], "early": [0, 1, 2, 3]}).partition
    assert named.names == ("late", "early")
    assert named.parts.tolist() == [1] * 4 + [0] * 4
    refused("one label for each of the 8 units", "(7,)", partition=["a"] * 7)
    refused("the units are 0 to 7", "names 8", partition={"a": range(9)})
    refused("3 are in none", "unit 5", partition={"a": range(5)})
    refused("unit 2 is in two", partition={"a": [0, 1, 2], "b": [2, 3, 4, 5, 6, 7]})
    refused("a list of numbers of units", partition={"a": ["x"]})
    refused("a label for each unit", partition=["a"] * 7 + [None])
    refused("a label for each unit", partition=[1.0] * 7 + [float("nan")])
    refused("at least two parts", "'a' alone", partition=["a"] * 8)


def test_which_axis_and_step_are_units() -> None:
    conv = small.seeded(small.Convolutional)
    keys = {"module": conv, "inputs": small.inputs(1, 8, 8)}
    assert [made(**{**keys, "units": name}).n_neurons for name in ("first", "act", "second")] == [6, 6, 4]
    assert made(**{**keys, "units": hypotest.Units("first", axis=2)}).n_neurons == 6
    refused(
        "axis must be one of the output's", "found 0", **{**keys, "units": hypotest.Units("first", axis=0)}
    )
    refused("step needs a sequence", **{**keys, "units": hypotest.Units("first", step=0)})
    refused("axis must be a whole number", **{**keys, "units": hypotest.Units("first", axis="c")})
    gru = small.seeded(small.Recurrent)
    keys = {"module": gru, "inputs": small.inputs(small.STEPS, 3)}
    refused("steps 0 to 4", "found 5", **{**keys, "units": hypotest.Units("recurrent", step=5)})
    refused("part 2", "2 tensors", **{**keys, "units": hypotest.Units("recurrent", part=2)})


def test_an_activation_is_the_mean_over_places() -> None:
    from hypotest.collect.network.ablation import route_of

    conv = small.seeded(small.Convolutional)
    network = made(conv, inputs=small.inputs(1, 8, 8), units="first")
    with torch.inference_mode():
        activations = route_of(network).base(np.arange(5)).activations
        torch.testing.assert_close(activations, conv.first(small.inputs(1, 8, 8)[:5]).mean(dim=(2, 3)))


def test_a_module_that_is_not_called() -> None:
    idle = Without(lambda self, h: h[:, :3], idle=nn.Linear(8, 3)).double()
    refused("is not called when the network runs", module=idle, units="idle")


def test_keys_follow_from_weights_code_outcome_and_rows() -> None:
    """Whatever changes a number changes what evidence is kept under; a name does not."""
    one, other = made(), made(name="another name")
    assert (one.fingerprint, one.settings_fingerprint) == (other.fingerprint, other.settings_fingerprint)
    assert one.digest_of(np.arange(9)) == other.digest_of(np.arange(9))
    module = small.seeded(lambda: nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)), seed=5)
    assert made(module).fingerprint != one.fingerprint
    tanh = small.seeded(lambda: nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)))
    assert made(tanh).settings_fingerprint != one.settings_fingerprint
    assert made(units="0").settings_fingerprint != one.settings_fingerprint
    wide = {**small.rows(), "wanted": small.inputs(3)}
    assert made(rows=wide, outcome={"mse": "wanted"}).settings_fingerprint != one.settings_fingerprint
    changed = small.inputs(5)
    changed[3, 2] += 1e-9
    again = made(inputs=changed)
    assert again.row_hashes[3] != one.row_hashes[3]
    assert again.row_hashes[4] == one.row_hashes[4]
    rows = small.rows()
    rows["target"] = [(item + 1) % 3 for item in rows["target"]]
    assert made(rows=rows).row_hashes[0] != one.row_hashes[0]

    def scaled(by: float) -> Any:
        return lambda output, rows: by * output[:, 0]

    by_scale = [made(outcome=scaled(by)).settings_fingerprint for by in (1.0, 2.0, 1.0)]
    assert by_scale[0] != by_scale[1]
    assert by_scale[0] == by_scale[2]


FACTOR = 1.0


def factor() -> float:
    """What an outcome calls."""
    return FACTOR


def test_keys_follow_from_what_an_outcome_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    by_factor = lambda output, rows: factor() * output[:, 0]  # noqa: E731
    before = made(outcome=by_factor).settings_fingerprint
    assert made(outcome=by_factor).settings_fingerprint == before
    monkeypatch.setitem(globals(), "FACTOR", 2.0)
    assert made(outcome=by_factor).settings_fingerprint != before


def test_keys_follow_from_what_a_module_holds_beside_its_weights() -> None:
    class Scaled(nn.Module):
        def __init__(self, by: float, mask: float, name: str = "a") -> None:
            super().__init__()
            self.up, self.out, self.by, self.options = nn.Linear(5, 8), nn.Linear(8, 3), by, {"name": [name]}
            self.register_buffer("mask", torch.full((8,), mask), persistent=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.last = self.up(x)  # which is no setting
            return self.out(self.by * self.mask * torch.relu(self.last))

    def settings(*given: Any) -> str:
        torch.manual_seed(0)
        return made(Scaled(*given).double().eval(), units="up").settings_fingerprint

    assert settings(1.0, 1.0) == settings(1.0, 1.0)
    kept = Scaled(1.0, 1.0).double().eval()
    one = made(kept, units="up").settings_fingerprint
    assert made(kept, units="up").settings_fingerprint == one
    kept(2 * small.inputs(5))
    again = made(kept, units="up")
    assert again.settings_fingerprint == one
    assert again.traced is not None  # nnsight leaves something in each module
    assert made(kept, units="up").settings_fingerprint == one
    assert len({settings(1.0, 1.0), settings(2.0, 1.0), settings(1.0, 2.0), settings(1.0, 1.0, "b")}) == 4


def test_wrapped_and_compiled_modules() -> None:
    from nnsight import NNsight

    module = small.seeded(lambda: nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)))
    assert made(NNsight(module)).module is module
    refused("must be a torch.nn.Module", "found str", module="path")
    with torch.device("meta"):
        empty = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    refused("must be in memory", module=empty)
