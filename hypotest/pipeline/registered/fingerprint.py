"""What a protocol comes to on this machine: hashes of everything that its numbers depend on."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata

from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.registered.fence import code_of
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint, Hashes
from hypotest.registration import canonical, protocol_hash

_LIBRARIES = (
    "networkx", "nnsight", "numba", "numpy", "pingouin", "polars", "pydantic",
    "scikit-learn", "scipy", "statsmodels", "tokenizers", "torch", "transformers",
)  # fmt: skip


def fingerprint(protocol: Protocol, prepared: Prepared) -> Fingerprint:
    """Take the hashes that a lock holds and a run is compared with.

    Args:
        protocol: The plan as it is run.
        prepared: From `hypotest.pipeline.prepare.prepare`.
    """
    positions, file = prepared.sampled.positions, prepared.subject.file
    return Fingerprint(
        protocol_id=protocol.id,
        plan=canonical(protocol),
        hashes=Hashes(
            protocol=protocol_hash(protocol),
            weights=prepared.subject.fingerprint,
            tokenizer=prepared.subject.tokenizer_fingerprint,
            frequencies=""
            if prepared.counts is None
            else hashlib.sha256(prepared.counts.astype("<i8").tobytes()).hexdigest(),
            positions=_positions_hash(prepared),
            code=code_of(protocol),
            text=text_hashes(prepared),
            weights_file=None if file is None else file.sha256,
            autoencoder=(prepared.subject.unit_settings or {}).get("sha256"),
        ),
        revision=prepared.subject.revision,
        layer=prepared.subject.layer,
        versions={"hypotest": metadata.version("hypotest-nn"), **software_versions()},
        seed=protocol.seed,
        split={
            f"{split}_documents": positions.filter(positions["split"] == split)["document"].n_unique()
            for split in prepared.samples
        },
        evidence={"selection": prepared.keys.selection, "evaluation": prepared.keys.evaluation},
        kept_out=prepared.kept_out,
    )


def software_versions() -> dict[str, str]:
    """Python and the libraries that numbers come from -> version."""
    libraries = {name: metadata.version(name) for name in _LIBRARIES}
    return {"python": platform.python_version(), **libraries}


def text_hashes(prepared: Prepared) -> dict[str, str]:
    """Each source of the text with its version -> SHA-256 of its documents."""
    return {str(source): source.sha256 for source in prepared.sources}


def _positions_hash(prepared: Prepared) -> str:
    positions = prepared.sampled.positions
    digest = hashlib.sha256()
    for name in ("document", "block", "index", "target"):
        digest.update(positions[name].to_numpy().astype("<i8").tobytes())
    for name in ("condition", "split"):
        digest.update("\n".join(positions[name]).encode())
    return digest.hexdigest()
