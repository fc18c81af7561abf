"""Requests to a model that others hold, through nnsight: on NDIF or any host of its kind.

A request ships the body of a trace and gets back what it saved, never the model: activations of units at the
last position, and how surprising the next token was; or the latter with one unit of each row set to a value.
Logits stay where the model is.

References:
    Fiotto-Kaufman et al. (2025), NNsight and NDIF, arXiv:2407.14561.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from nnsight import save
from numpy.typing import NDArray

from hypotest.errors import EvidenceError, HypotestError, RunError, SubjectError
from hypotest.subjects.fingerprints import weights_fingerprint


class HostedModel:
    """A model of nnsight's, asked at the last position of contexts of one length.

    What the ``with`` block of a request names is shipped, so that each names tensors alone.

    Args:
        model: Nnsight's; its weights need not be here.
        module: Path of the module that is read and set.
        side: Whether units are what the module is given or what it gives.
        remote: As for nnsight's ``trace``.

    Raises:
        SubjectError: If the model is none that a host can be asked for, or has no such module.
    """

    def __init__(self, model: Any, module: str, side: Literal["input", "output"], remote: bool | str) -> None:
        if not hasattr(model, "to_model_key"):
            raise SubjectError(
                "model=: must be one of nnsight's that a host can be asked for, such as "
                f"nnsight.TransformersModel(..., task='text-generation'); found {type(model).__name__}"
            )
        self._model, self._side, self._remote = model, side, remote
        self.name = f"{getattr(model, 'repo_id', None) or type(model).__name__}, {module}"
        """For reports."""
        self._module = module
        try:
            self._envoy = model.get(module)
        except (AttributeError, KeyError, IndexError) as error:
            raise SubjectError(f"module={module!r}: the model has no such module ({error})") from None

    @property
    def settings(self) -> dict[str, Any]:
        """What answers depend on: where the model is, which it is, and what of it is asked."""
        elsewhere = self._remote not in (False, "local")
        return {
            "model": self._model.to_model_key() if elsewhere else weights_fingerprint(self._model._module),
            "host": self._remote if elsewhere else "here",
            "module": [self._module, self._side],
        }

    def seen(
        self, ids: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Units at the last position, (n, n_units), and the loss of the token behind it, (n,)."""
        model, envoy, given = self._model, self._envoy, self._side == "input"
        tokens, nexts = torch.from_numpy(ids), torch.from_numpy(targets)[:, None]

        def request() -> tuple[torch.Tensor, torch.Tensor]:
            with model.trace(tokens, remote=self._remote):
                units = envoy.input if given else envoy.output
                units = save(units[:, -1].float())
                logits = model.output.logits[:, -1].float()
                log_p = torch.log_softmax(logits, dim=-1)
                loss = save(-log_p.gather(1, nexts.to(log_p.device))[:, 0])
            return units, loss

        units, loss = _answer(request)
        return units, loss

    def ablated(
        self,
        ids: NDArray[np.int64],
        targets: NDArray[np.int64],
        column: NDArray[np.int64],
        after: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """The loss where one unit of each row is set to something, (n,)."""
        model, envoy, given = self._model, self._envoy, self._side == "input"
        tokens, nexts = torch.from_numpy(ids), torch.from_numpy(targets)[:, None]
        which, values = torch.from_numpy(column), torch.from_numpy(after)

        def request() -> tuple[torch.Tensor]:
            with model.trace(tokens, remote=self._remote):
                units = (envoy.input if given else envoy.output).clone()
                rows = torch.arange(len(which), device=units.device)
                units[rows, -1, which.to(units.device)] = values.to(units.device, units.dtype)
                if given:
                    envoy.input = units
                else:
                    envoy.output = units
                logits = model.output.logits[:, -1].float()
                log_p = torch.log_softmax(logits, dim=-1)
                loss = save(-log_p.gather(1, nexts.to(log_p.device))[:, 0])
            return (loss,)

        (loss,) = _answer(request)
        return loss


def _answer(request: Callable[[], tuple[torch.Tensor, ...]]) -> tuple[NDArray[np.float32], ...]:
    try:
        with torch.no_grad():
            tensors = request()
    except HypotestError:
        raise
    except Exception as error:  # of connections, hosts and what runs there
        said = " ".join(str(error).split())
        raise RunError(
            f"the host did not answer: {said[-300:]}. What it has answered is kept: the same call goes on"
        ) from error
    arrays = tuple(np.asarray(tensor.detach().cpu().numpy(), dtype=np.float32) for tensor in tensors)
    if not all(np.isfinite(array).all() for array in arrays):
        raise EvidenceError("an activation or a loss is not finite: the host computes in too low a precision")
    return arrays
