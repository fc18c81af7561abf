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
    "change of the network's loss is measured.",
    "activation": "The number that a neuron passes on at one position of the text.",
    "adjusted p": "A p-value made larger because several predictions were tested: only what is small after "
    "that counts as a refutation.",
    "base_influence": "A neuron's influence on targets of the condition that the group was not selected on.",
    "ceiling": "The share of null draws that lie inside the margin: if most of them do, lying inside it "
    "says little.",
    "certified": "Computed with a proven bound on the error of every single number.",
    "cluster": "Rows that belong together, such as those of one text, and that are left out together when "
    "an error is estimated; in networks of other kinds what documents are in language models.",
    "condition": "One of two kinds of positions that are compared, such as tokens of two kinds.",
    "confidence interval": "The range of effects that the data do not rule out at the stated level.",
    "confirmatory": "Registered before any evaluation document was seen, and run as registered.",
    "contradicts": "The outcome is another one than the hypothesis expected.",
    "covariate": "Something besides the question in which neurons differ, such as how active they are.",
    "cross-entropy": "How surprised the network is by a token, in nats; 0 is certainty.",
    "deciding": "The one comparison, fixed in advance, on which a prediction's outcome rests.",
    "descriptive": "Shown beside the others, and never part of a verdict.",
    "document": "A stretch of text that belongs together, such as a file: positions of one document "
    "resemble each other, so errors are over documents.",
    "draw": "One random group, or one random dealing-out of labels, of a null.",
    "effect": "The observed value less what it is compared with.",
    "effective dimension": "How many independent directions are needed for most of the variance.",
    "elbow": "The rank from which on token counts fall off faster; rarer types are left out.",
    "engine": "How ablations are computed: by an identity with a proven bound, or by forward passes.",
    "equivalent": "Shown to differ from the comparison by less than the margin: more than 'no difference "
    "found'.",
    "evaluation split": "Documents that took no part in selecting the neurons; everything is tested on them.",
    "exploratory": "Not registered in advance, or changed since: what comes out is a hint, not a test.",
    "Gini": "How unevenly something is spread: 0 evenly, 1 all in one place.",
    "greater": "The observed value is significantly above what it is compared with.",
    "group": "The neurons that are tested.",
    "head": "An attention head: one of the parts by which a block looks back at earlier tokens.",
    "hypothesis": "A claim of how the network is organised, written down with what it expects of each "
    "prediction.",
    "identification": "What must be true, beside the numbers, for the verdict to mean what it says.",
    "inconclusive": "Neither a difference nor equivalence could be shown: the data do not settle it.",
    "influence": "Mean size of the change of loss when a neuron is ablated, in nats.",
    "jackknife": "Estimating an error by leaving out parts of the data in turn.",
    "kappa": "How steeply influence falls with rank: minus the slope of the power law.",
    "ladder": "All comparisons of one prediction, from weak opponents to strict ones.",
    "layer": "One block of the network, or the neurons of its MLP.",
    "lesion": "Ablating all neurons of a group at once.",
    "less": "The observed value is significantly below what it is compared with.",
    "limitation": "Something that this run noticed about itself and a reader should know.",
    "lock": "The file that a registration writes: hashes of plan, network, text and code.",
    "logit": "The network's score for a token, before scores become probabilities.",
    "loss": "How badly the network predicts a token: its cross-entropy, in nats.",
    "make-believe": "Of a condition: its rows are divided at random, so that nothing that is found can be "
    "true.",
    "margin": "The largest difference that counts as none, fixed before the data; narrower where groups of "
    "comparison keep members of the group, and show that much less of any difference.",
    "Monte Carlo": "By random draws: more of them make the number more exact.",
    "multiverse": "The same protocol under all combinations of defensible choices.",
    "nats": "Unit of loss: 0.69 nats make one bit.",
    "neuron": "One unit of a layer: a number that it passes on, and weights by which that is used.",
    "noise ceiling": "The similarity that random halves of one condition have with each other: more cannot "
    "be expected of two conditions.",
    "null": "What the value would look like if the question had a dull answer: many draws of groups or of "
    "labels that mean nothing.",
    "odds": "Ratio of p to 1 - p: how often something happens for each time that it does not.",
    "open": "The hypothesis speaks here, and the outcome is inconclusive.",
    "opponent": "A null that a prediction is compared with.",
    "outcome": "What a prediction came to: less, greater, equivalent, inconclusive or undefined.",
    "p": "How often the null gives a value at least as extreme as the observed one. Small: hard to explain "
    "by it.",
    "percentile": "The share of null draws below the observed value.",
    "placebo": "A make-believe pair of conditions in which nothing is true: tests should see nothing there.",
    "plateau": "A head of the ranking in which many neurons have nearly the same influence.",
    "position": "A place in the text at which the network predicts a token.",
    "prediction": "One measured quantity, and what each hypothesis says it will be.",
    "premise": "A prediction without which the others have nothing to be about.",
    "Q": "Modularity: how much more connected communities are inside than chance would have it.",
    "refuted": "At least one prediction came out otherwise than the hypothesis said, also after correction "
    "for the number of tests.",
    "registration": "Writing the plan down, with a hash and a date, before the data.",
    "relabelling": "Labels dealt out anew, as often each as before, within what may be exchanged.",
    "role": "Whether a prediction is a premise, decides, or only describes.",
    "row": "One position, example or input on which the network is measured.",
    "rung": "One comparison of the ladder.",
    "SD": "Standard deviation: how far values typically lie from their mean.",
    "selection split": "Documents on which the neurons are chosen; nothing is tested on them.",
    "self-check": "Some ablations done once more by interventions in the whole network.",
    "silent": "The hypothesis says nothing about this outcome: any would do.",
    "split-half ceiling": "The similarity that noise leaves halves of the same data: more cannot be "
    "expected of two conditions.",
    "stance": "What an outcome means for one hypothesis: supports, contradicts, open or silent.",
    "supported": "Every prediction on which the hypothesis speaks came out as it said.",
    "supports": "The outcome is one that the hypothesis expected.",
    "target": "The token that the network has to predict at a position.",
    "token": "A piece of text that the network reads and predicts: a word, or a part of one.",
    "TOST": "Two one-sided tests: the way to show that an effect lies inside the margin.",
    "type": "A word of the vocabulary, however often it occurs.",
    "undecided": "Nothing speaks against the hypothesis firmly enough, and not everything speaks for it.",
    "undefined": "There is no value to judge.",
    "unit": "What is tested: a neuron, or a head, an expert, a dimension.",
    "verdict": "What all predictions together say of a hypothesis: supported, refuted, undecided or not "
    "applicable.",
    "z": "How many SDs of the null's draws the observed value lies from their mean.",
}
"""Word as it stands in a sentence -> what it means."""


def explained_in(text: str) -> dict[str, str]:
    """Words of `WORDS` that stand in a text, each with what it means as part of a sentence.

    Args:
        text: Such as a unit; of words that share a place, the longest is meant.

    Examples:
        >>> explained_in("1 - |left slope| / kappa")["kappa"].partition(":")[0]
        'how steeply influence falls with rank'
    """
    left, there = f" {text.replace(',', ' ')} ", {}
    for word in sorted(WORDS, key=len, reverse=True):
        if f" {word} " in left:
            left = left.replace(f" {word} ", " | ")
            there[word] = WORDS[word][:1].lower() + WORDS[word][1:].rstrip(".")
    return there


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
