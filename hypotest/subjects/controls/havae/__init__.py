"""HAVAE on generated verse: which line comes next, by meaning and by rhyme.

lexicon      words with a topic and a pronunciation of their own
verse        lines, and for each two of them thirty candidates for the next
vectors      document vectors over words and over phonemes
model        HAVAE, its predecessor, and the versions that they are compared with
training     how they learn, and how well
margins      a query and its foils as a row: the network as a subject

After Liang et al., "HAVAE" (2018, doi:10.1007/978-3-319-97304-3_1) and arXiv:2103.12615, and the
description of the public code, in words and code of our own. Scaled down: 64 numbers in the place of 125,
30 candidates in the place of 300, documents of two lines' ends in the place of whole verses, and document
vectors by a decomposition of counts in the place of trained paragraph vectors.
"""

from __future__ import annotations

from functools import partial

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.havae.margins import DECIDED_BY, as_subject
from hypotest.subjects.controls.havae.model import fresh
from hypotest.subjects.controls.havae.training import VerseTask, train
from hypotest.subjects.controls.recipe import Recipe

SOURCE = "arXiv:2103.12615"


RECIPE = Recipe(name="havae", data=VerseTask.made, module=fresh, train=train)
_shared = partial(
    Control,
    source=SOURCE,
    recipe=RECIPE,
    protocol="havae",
    sides=("decided_by", *DECIDED_BY),
    replacement="mean",
    seeds=5,
    score="how often the true line is first of thirty, in unseen verses (0.03 is chance)",
)

CONTROLS = (
    _shared(
        name="havae",
        title="Are meaning and prosody modules of HAVAE's r?",
        known="a sum of both in every unit",
        how="wiring",
        subject=partial(as_subject, which="havae", units="r", name="havae"),
        organisation="distributed",
    ),
    _shared(
        name="havae-predecessor",
        title="Are meaning and prosody modules of r in HAVAE's predecessor?",
        known="two halves side by side",
        how="wiring",
        subject=partial(as_subject, which="predecessor", units="r", name="havae-predecessor"),
        organisation="modular",
    ),
    _shared(
        name="havae-predecessor-latent",
        title="Are meaning and prosody modules of z in HAVAE's predecessor?",
        known="nothing: the encoder mixes, or does not",
        how="open",
        subject=partial(
            as_subject, which="predecessor", units="encoder.mean", name="havae-predecessor-latent"
        ),
        organisation="open",
    ),
)
