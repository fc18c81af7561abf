"""A language model of experts on code and prose of installed packages, routed by kind or by a learned router.

texts      code and docstrings of installed packages, as windows of characters
model      two blocks of attention, the second with experts
training   how it learns, and how well
windows    a window of unseen files as a row: the network as a subject

Whether experts that choose for themselves specialise on kinds of text is the question of arXiv:2509.21163;
its networks are large ones. Here both answers can be had: a router that is told the kind and gives each its
own experts, and one that is told nothing.
"""

from __future__ import annotations

from functools import partial
from importlib import metadata

from hypotest.subjects.controls.control import Control, Organisation
from hypotest.subjects.controls.language.model import ChosenBy, fresh
from hypotest.subjects.controls.language.texts import KINDS, PACKAGES, CodeAndProse
from hypotest.subjects.controls.language.training import train
from hypotest.subjects.controls.language.windows import as_subject
from hypotest.subjects.controls.recipe import Recipe


def _versions() -> dict[str, str]:
    """Of the packages whose text is read: other text, other networks."""
    there = {name: metadata.version(name) for name in PACKAGES if _is_installed(name)}
    return dict.fromkeys(PACKAGES, "not installed") | there


def _is_installed(name: str) -> bool:
    return any(True for _ in metadata.distributions(name=name))


_ROUTERS: tuple[tuple[str, ChosenBy, str, str, Organisation], ...] = (
    ("language-by-kind", "kind", "code and prose, routed by kind", "routing", "modular"),
    ("language-learned", "router", "code and prose, learned router", "lesions", "lesions"),
)

CONTROLS = tuple(
    Control(
        name=name,
        title=f"Are code and prose modules in a language model of experts, {known.split(', ')[1]}?",
        known=known,
        how=how,
        source="hypotest; the question of arXiv:2509.21163",
        recipe=Recipe(
            name=name,
            data=CodeAndProse.made,
            module=partial(fresh, chosen_by=chosen_by),
            train=train,
            settings={"router": chosen_by, **_versions()},
        ),
        subject=partial(as_subject, name=name),
        protocol="code-prose",
        organisation=organisation,
        sides=("kind", *KINDS),
        seeds=5,
    )
    for name, chosen_by, known, how, organisation in _ROUTERS
)
