"""Every word that a report or the documentation uses and a reader may not know, explained once.

Words of measures and nulls come from their own files, so that what a package adds is explained as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.records.protocol.conditions import UNNAMED, Conditions

WORDS: Mapping[str, str] = {
    "ablation": "Switching a neuron off: its activation is replaced, by its mean for instance, and the "
    "change of the network's loss is measured.activation",
    "adjusted p": "A p-value made larger because several predictions were tested: only what is small after "
    "that counts as a refutation.base_influence",
    "ceiling": "The share of null draws that lie inside the margin: a margin that almost all of them fit "
    "into shows little.certified",
    "condition": "One of two kinds of positions that are compared, such as rare and common "
    "targets.confidence interval",
    "confirmatory": "Registered before any evaluation document was seen, and run as registered.contradicts",
    "covariate": "Something besides the question in which neurons differ, such as how active they "
    "are.cross-entropy",
    "deciding": "The one comparison, fixed in advance, on which a prediction's outcome rests.descriptive",
    "effect": "The observed value less what it is compared with.effective dimension",
    "elbow": "The rank from which on token counts fall off faster; rarer types are left out.equivalent",
    "evaluation split": "Documents that took no part in selecting the neurons; everything is tested on "
    "them.exploratory",
    "greater": "The observed value is significantly above what it is compared with.group",
    "identification": "What must be true of the world, beside the numbers, for the verdict to mean what it "
    "says.inconclusive",
    "influence": "Mean size of the change of loss when a neuron is ablated, in nats.jackknife",
    "kappa": "How steeply influence falls with rank: minus the slope of the power law.ladder",
    "lesion": "Ablating all neurons of a group at once.less",
    "limitation": "Something that this run found out about itself and a reader should know.loss",
    "margin": "The largest difference that counts as none, fixed before the data.Monte Carlo",
    "nats": "Unit of loss: 0.69 nats are one bit.null",
    "open": "The hypothesis speaks here, and the outcome is inconclusive.opponent",
    "p": "How often the null gives a value at least as extreme as the observed one. Small: hard to "
    "explain by it.percentile",
    "placebo": "A make-believe pair of conditions in which nothing is true: tests should find nothing "
    "there.plateau",
    "position": "A place in the text at which the network predicts a token.prediction",
    "premise": "A prediction without which the others have nothing to be about.Q",
    "refuted": "At least one prediction came out otherwise than the hypothesis said, also after "
    "correction for the number of tests.registration",
    "role": "Whether a prediction is a premise, decides, or only describes.SD",
    "selection split": "Documents on which the neurons are chosen; nothing is tested on them.silent",
    "stance": "What an outcome means for one hypothesis: supports, contradicts, open or silent.supported",
    "supports": "The outcome is one that the hypothesis expected.T(G)",
    "target": "The token that the network has to predict at a position.TOST",
    "type": "A word of the vocabulary, however often it occurs.undecided",
    "undefined": "There is no value to judge.z",
}
"""Word as it stands in a sentence -> what it means."""


def glossary(names: Conditions = UNNAMED) -> dict[str, str]:
    """All words, with those of every measure and null that is installed.

    Args:
        names: Of a protocol's conditions.
    """
    words = dict(WORDS)
    for null in NULLS.values():
        for name, variant in null.ids():
            words[name] = f"A null: {null.words.question_of(variant, names)}"
    for name, measure in MEASURES.items():
        said = measure.words.of(names)
        words[name] = f"{said.title[:1].upper()}{said.title[1:]}: {said.what}."
    return words
