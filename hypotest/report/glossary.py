"""Every word that a report or the documentation uses and a reader may not know, explained once.

Words of measures and nulls come from their own files, so that what a package adds is explained as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.records.protocol.conditions import Conditions, named
from hypotest.report.text import capital

WORDS: Mapping[str, str] = {
    "ablation": "Switching a neuron off: its activation is replaced, by its mean for instance, and the "
    "change of the network's loss is measured.",
    "activation": "The number that a neuron passes on at one position of the text.",
    "adjusted p": "A p-value made larger because several predictions were tested: only what is small after "
    "that counts as a refutation.",
    "attention head": "One of the parts by which a layer looks back at earlier tokens.",
    "base_influence": "A neuron's influence on targets of the condition that the group was not selected on.",
    "bin": "Neurons of nearly the same covariates, which may change places with each other.",
    "block": "Tokens that the network reads at once, 128 of them for instance.",
    "Bonferroni": "A correction for several tests: each p-value is multiplied by their number.",
    "bundle": "One file with a run, its protocol and its evidence, from which others verify it without the "
    "model.",
    "ceiling": "The share of null draws that lie inside the margin: if most of them do, lying inside it says "
    "little.",
    "certified": "Computed with a proven bound on the error of every single number.",
    "cluster": "Rows that belong together, such as those of one text, and that are left out together when an "
    "error is estimated; in networks of other kinds what documents are in language models.",
    "condition": "One of two kinds of positions that are compared, such as tokens of two kinds.",
    "confidence interval": "The range of effects that the data do not rule out at the stated level.",
    "confirmatory": "Registered before any evaluation document was seen, and run as registered.",
    "contradicts": "The outcome is clear, and another one than the hypothesis expected; an inconclusive one "
    "contradicts nothing.",
    "corrected": "Of a p-value: made larger because several were tested, so that chance findings stay rare.",
    "covariate": "Something besides the question in which neurons differ, such as how active they are.",
    "cross-entropy": "How surprised the network is by a token, in nats; 0 is certainty.",
    "deciding": "The one comparison, fixed in advance, on which a prediction's outcome rests.",
    "descriptive": "Shown beside the others, and never part of a verdict.",
    "deviation": "Something that a run did otherwise than it was registered.",
    "distributed": "Done by neurons all over the layer, without clusters, heads or a purpose of their own: "
    "the opposite of modular.",
    "document": "A stretch of text that belongs together, such as a file: positions of one document resemble "
    "each other, so errors are over documents.",
    "draw": "One random group, or one random dealing-out of labels, of a null.",
    "effect": "The observed value less what it is compared with.",
    "effective dimension": "How many independent directions are needed for most of the variance.",
    "eigenvalue": "The variance along one of the directions in which activations vary, as a share of it all.",
    "elbow": "The rank from which on token counts fall off faster; rarer types are left out.",
    "engine": "How ablations are computed: by an identity with a proven bound, or by forward passes.",
    "equivalent": "Shown to differ from the comparison by less than the margin: more than 'no difference "
    "found'.",
    "evaluation split": "Documents that took no part in selecting the neurons; everything is tested on them.",
    "evidence": "What was measured of the network and kept, such as activations: all results are computed "
    "from it.",
    "exploratory": "Not registered in advance, or changed since: what comes out is a hint, not a test.",
    "gamma": "Rosenbaum's measure of hidden causes: by how many times a cause that nobody measured would "
    "have to change the odds of being in the group before it could explain the finding.",
    "Gini": "How unevenly something is spread: 0 evenly, 1 all in one place.",
    "greater": "The observed value is significantly above what it is compared with.",
    "group": "The neurons that are tested.",
    "head": "An attention head: one of the parts by which a layer looks back at earlier tokens.",
    "hypothesis": "A claim of how the network is organised, written down with what it expects of each "
    "prediction.",
    "identification": "What must be true, beside the numbers, for the verdict to mean what it says.",
    "inconclusive": "Neither a difference nor equivalence could be shown: the data do not settle it.",
    "influence": "Mean size of the change of loss when a neuron is ablated, in nats.",
    "jackknife": "Estimating an error by leaving out parts of the data in turn.",
    "kappa": "How steeply influence falls with rank: minus the slope of the power law.",
    "ladder": "All comparisons of one prediction, from weak opponents to strict ones.",
    "layer": "One step of the network, of attention and an MLP; or the neurons of that MLP.",
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
    "MLP": "The part of a layer that holds its neurons; it works on each position by itself.",
    "modular": "Done by a module, rather than spread out.",
    "module": "Neurons that belong together: they act together, share more with each other than with others, "
    "and serve one purpose.",
    "Monte Carlo": "By random draws: more of them make the number more exact.",
    "multiverse": "The same protocol under all combinations of defensible choices.",
    "nats": "Unit of loss: 0.69 nats make one bit.",
    "neuron": "One unit of a layer: a number that it passes on, and weights by which that is used.",
    "noise ceiling": "The similarity that random halves of one condition have with each other: halves of two "
    "conditions cannot be expected to be more alike. Profiles of the whole data are less noisy, and may be.",
    "not applicable": "A premise did not hold, so that there is nothing that the hypothesis could be about.",
    "null": "What the value would look like if the question had a dull answer: many draws of groups or of "
    "labels that mean nothing.",
    "observed": "Measured on the tested group itself.",
    "odds": "Ratio of p to 1 - p: how often something happens for each time that it does not.",
    "off-target": "At rows of neither condition, where losing the group should do no harm.",
    "open": "The hypothesis speaks here, and the outcome is inconclusive.",
    "opponent": "A null that a prediction is compared with.",
    "outcome": "What a prediction came to: less, greater, equivalent, inconclusive or undefined.",
    "p": "How often the null gives a value at least as extreme as the observed one. Small: hard to explain "
    "by it.",
    "percentile": "The share of null draws below the observed value.",
    "placebo": "A make-believe pair of conditions in which nothing is true: tests should see nothing there.",
    "plateau": "A head of the ranking in which many neurons have nearly the same influence.",
    "position": "A place in the text at which the network predicts a token.",
    "power": "How often a test would see an effect of a given size, if there were one.",
    "prediction": "One measured quantity, and what each hypothesis says it will be.",
    "premise": "A prediction without which the others have nothing to be about.",
    "propensity": "How likely a neuron's covariates make it that it is in the group.",
    "protocol": "The file that says what is tested, on which network and text, and what each hypothesis "
    "expects.",
    "Q": "Modularity: how much more connected communities are inside than chance would have it.",
    "reference": "What the observed value is compared with: the mean of a null's draws, the other condition, "
    "or a number declared in advance.",
    "refuted": "At least one prediction came out otherwise than the hypothesis said, also after correction "
    "for the number of tests.",
    "registration": "Writing the plan down, with a hash and a date, before the data.",
    "relabelling": "Labels dealt out anew, as often each as before, within what may be exchanged.",
    "reselection": "Selecting the group once more on other text, as another study would.",
    "reliability": "How alike two halves of the data are in what is measured: 1 without noise.",
    "role": "Whether a prediction is a premise, decides, or only describes.",
    "row": "One position, example or input on which the network is measured.",
    "rung": "One comparison of the ladder.",
    "SD": "Standard deviation: how far values typically lie from their mean.",
    "selection split": "Documents on which the neurons are chosen; nothing is tested on them.",
    "self-check": "Some ablations done once more by interventions in the whole network.",
    "series": "One protocol run on several networks, such as checkpoints of one training.",
    "silent": "The hypothesis says nothing about this outcome: any would do.",
    "Spearman": "A correlation of ranks: 1 if one number always rises with the other, 0 if they have nothing "
    "to do with each other.",
    "split": "Documents that serve one purpose: those of the selection split choose neurons, those of the "
    "evaluation split test them.",
    "split-half ceiling": "The similarity that noise leaves halves of the same data: more cannot be expected "
    "of two conditions.",
    "stance": "What an outcome means for one hypothesis: supports, contradicts, open or silent.",
    "stratum": "Rows or types of nearly the same frequency, among which labels are exchanged.",
    "supported": "Every prediction on which the hypothesis speaks came out as it said.",
    "supports": "The outcome is one that the hypothesis expected.",
    "target": "The token that the network has to predict at a position.",
    "tau": "Kendall's correlation of ranks: 1 if a value rises from each checkpoint to the next, -1 if it "
    "falls.",
    "token": "A piece of text that the network reads and predicts: a word, or a part of one.",
    "top head": "The attention head whose ablation changes the group most, chosen on the selection split.",
    "TOST": "Two one-sided tests: the way to show that an effect lies inside the margin.",
    "trial": "A run on few documents, to see that everything works; it gives no verdict.",
    "type": "An entry of the vocabulary, a word or a part of one, however often it occurs in the text.",
    "undecided": "Nothing speaks against the hypothesis firmly enough, and not everything speaks for it.",
    "undefined": "There is no value to judge.",
    "unembedding": "The matrix by which a network turns what it has computed into a score for each token.",
    "unit": "What is tested: a neuron, or a head, an expert, a dimension.",
    "verdict": "What all predictions together say of a hypothesis: supported, refuted, undecided or not "
    "applicable.",
    "z": "How many SDs of the null's draws the observed value lies from their mean.",
}
"""Word as it stands in a sentence -> what it means."""

BESIDE: Mapping[str, str] = {
    "effective_documents": "Documents of equal size that would say as much as those at hand.",
    "effective_types": "Token types, all equally frequent, that would say as much as those at hand.",
    "effective_{first}_types": "Types of {first} targets, all equally frequent, that would say as much.",
    "effective_{second}_types": "Types of {second} targets, all equally frequent, that would say as much.",
    "margin_share": "How wide the margin is, as a share of the declared one: narrower where groups of "
    "comparison keep members of the group.",
    "{second}_group": "The measured value of the group that is selected on {second} targets.",
    "random_groups_above_all_rewirings": "Share of random groups whose network is more divided than all of "
    "its rewirings.",
    "random_groups_above_all_rotations": "Share of random groups whose network is more divided than all of "
    "its rotations.",
    "random_groups_above_all_random_directions": "Share of random groups whose network is more divided than "
    "that of as many random directions of the layer.",
    "standardized": "The effect in SDs: of the null's draws, or of the differences between documents.",
}
"""Name of a number that stands beside a test, of whatever measure -> what it is."""
_COMPOUNDS = ("off-target", "split-half")

ORDINARY = frozenset(
    {
        "bundle",
        "ceiling",
        "deciding",
        "deviation",
        "distributed",
        "effect",
        "eigenvalue",
        "evidence",
        "greater",
        "group",
        "head",
        "less",
        "module",
        "open",
        "percentile",
        "power",
        "reference",
        "series",
        "stratum",
        "supported",
        "trial",
        "unit",
    }
)
"""Those that sentences use in other senses as well, such as "less than a thousandth" and "the power law": a
page explains them only where one stands by itself."""

_ANY = Conditions("first-condition", "second-condition")
"""Names that stand before a noun as those of a protocol do: ``first-condition targets``."""


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


def spoken(name: str) -> str:
    """The name of a number in words.

    Examples:
        >>> spoken("off_target_size")
        'off-target size'
    """
    words = name.replace("_", " ")
    for whole in _COMPOUNDS:
        words = words.replace(whole.replace("-", " "), whole)
    return words


def beside(names: Conditions) -> dict[str, str]:
    """Numbers that stand beside tests, as reports call them, each with what it is.

    Args:
        names: Of a protocol's conditions.
    """
    of_measures = [item.words.of(names).beside for item in MEASURES.values()]
    of_any = {named(name, names): named(text, names) for name, text in BESIDE.items()}
    return {spoken(name): text for words in (*of_measures, of_any) for name, text in words.items()}


def ordinary(names: Conditions) -> frozenset[str]:
    """`ORDINARY`, with the names of numbers that stand beside tests, which are everyday words as well.

    Args:
        names: Of a protocol's conditions.
    """
    return ORDINARY | (beside(names).keys() - WORDS.keys())


def glossary(names: Conditions | None = None) -> dict[str, str]:
    """All words, with those of every measure and null that is installed.

    Args:
        names: Of a protocol's conditions; None for any protocol's.
    """
    if names is None:
        return {word: _of_any(meaning) for word, meaning in glossary(_ANY).items()}
    words = {**beside(names), **WORDS}
    for null in NULLS.values():
        for name, variant in null.ids():
            words[name] = f"A null: {null.words.question_of(variant, names)}"
    for name, measure in MEASURES.items():
        said = measure.words.of(names)
        words[name] = f"{capital(said.title)}: {said.what}."
    return words


def _of_any(meaning: str) -> str:
    """A sentence on any two conditions, where a name is no adjective."""
    return meaning.replace(f"{_ANY.first} is ", "the first condition is ")
