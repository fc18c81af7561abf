"""JTAV on generated songs: text, sound and cover, fused by outer products.

lyrics        words of songs and their captions, by a grammar
spectrograms  how songs sound
covers        how their covers look
songs         all of it, with labels: some carried by one modality, some by several
encoders      one network a modality
model         their fusion, and versions without it or without attention
training      how it learns, and how well
questions     a song and a label as a row: the network as a subject

After Liang et al. (2018), arXiv:1806.01483, and the description of its public code, in words and code of
our own. Scaled down: a tenth to a twentieth of the widths, covers of 24 x 24 pixels in the place of
photographs with the features of a pretrained network, word vectors that are learned with the rest in the
place of pretrained ones.
"""

from __future__ import annotations

from functools import partial

from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.jtav.model import fresh
from hypotest.subjects.controls.jtav.questions import ASKED, as_subject
from hypotest.subjects.controls.jtav.training import SongTask, train
from hypotest.subjects.controls.recipe import Recipe

SOURCE = "arXiv:1806.01483"


RECIPE = Recipe(name="jtav", data=SongTask.made, module=fresh, train=train)
_shared = partial(
    Control,
    source=SOURCE,
    recipe=RECIPE,
    protocol="jtav",
    sides=("label", *ASKED),
    replacement="mean",
    seeds=5,
    score="mean area under the curve of the six labels of unseen songs (0.5 is chance)",
)

CONTROLS = (
    _shared(
        name="jtav",
        title="Before their fusion, are text and sound modules of JTAV?",
        known="one encoder a modality",
        how="wiring",
        subject=partial(as_subject, units="modalities", name="jtav"),
        organisation="modular",
    ),
    _shared(
        name="jtav-fused",
        title="Are text and sound modules of JTAV's fused vector?",
        known="a direction for each modality",
        how="lesions",
        subject=partial(as_subject, units="fused", name="jtav-fused"),
        organisation="lesions",
    ),
    _shared(
        name="jtav-dense",
        title="Behind the dense layer, are text and sound modules of JTAV?",
        known="nothing: a dense layer mixes, or does not",
        how="open",
        subject=partial(as_subject, units="dense", name="jtav-dense"),
        organisation="open",
    ),
)
