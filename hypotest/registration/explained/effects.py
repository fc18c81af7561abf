"""What a deviation from a registration can have changed of a study, as far as its kind says it.

Whether it did change the conclusion is for the author to judge; which numbers it can reach follows from the
flow of a run: text and network -> positions -> evidence -> group and nulls -> results -> verdict.
"""

from __future__ import annotations

EVERYTHING = "can change every number"
_PLAN = {
    "hypotest": "another version of the protocol language: the plan may mean something else",
    "id": "changes the name of the folder of reports, and no number",
    "title": "changes the words of the report, and no number",
    "source": "changes the words of the report, and no number",
    "subject": f"another network or layer: {EVERYTHING}",
    "corpus": f"another text: {EVERYTHING}",
    "frequencies": f"other token counts, so other conditions: {EVERYTHING}",
    "conditions": f"other positions: {EVERYTHING}",
    "sample": f"other positions: {EVERYTHING}",
    "examples": f"other prompts and targets: {EVERYTHING}",
    "outcome": f"ablations change something else: {EVERYTHING} that rests on influence",
    "split": f"other documents in selection and evaluation: {EVERYTHING}",
    "splits": "changes how many other divisions of the documents are shown; the first decides as before",
    "intervals": "adds or takes away errors of another study, and with them intervals of measures of weights",
    "placebos": "changes how many make-believe conditions are tested; they decide nothing",
    "ablation": f"another ablation: {EVERYTHING} that rests on influence, the tested group included",
    "group": "another group of neurons: can change every result of the group",
    "hypotheses": "changes what the verdict is about, and no number",
    "multiverse": "changes `hypotest multiverse` alone, and nothing of a run",
    "seed": f"other random numbers: {EVERYTHING}, the positions and documents included",
}
_PREDICTION = {
    "measure": "asks another question",
    "options": "can change its effect, its p-value and its outcome",
    "contrast": "compares with something else: can change its effect, its p-value and its outcome",
    "margin": "can change whether it is equivalent, and not its effect or p-value",
    "role": "changes what its outcome counts for, and the correction of all deciding predictions",
}
_LOCK = {
    "protocol": "the plan is another one",
    "weights": f"another network: {EVERYTHING}",
    "weights_file": "another file; what its weights, tokenizer and settings changed is listed beside it",
    "autoencoder": f"another autoencoder, so other latents: {EVERYTHING}",
    "tokenizer": f"other tokens: {EVERYTHING}",
    "frequencies": f"other token counts, so other conditions: {EVERYTHING}",
    "positions": f"other positions: {EVERYTHING}",
    "code": "other code of hypotest: numbers may differ; `hypotest verify` recomputes them with either",
    "text": f"another text: {EVERYTHING}",
    "revision": f"another commit of the model: {EVERYTHING} if its weights differ",
    "layer": f"another layer: {EVERYTHING}",
    "versions": "changes software only: numbers may differ in their last digits, rarely an outcome",
    "split": f"other documents in selection and evaluation: {EVERYTHING}",
    "kept_out": f"other documents are kept out of the evaluation split: {EVERYTHING}",
    "evidence": "follows from the other deviations: the evidence was collected anew",
}
_ORDER = "order of predictions"


def effect_of(key: str) -> str:
    """What a deviation can have changed.

    Args:
        key: Of `hypotest.records.registration.Deviation`.

    Examples:
        >>> effect_of("title")
        'changes the words of the report, and no number'
        >>> effect_of("predictions.spectrum.margin.raw")
        'of the prediction spectrum: can change whether it is equivalent, and not its effect or p-value'
        >>> effect_of("versions.numpy")
        'changes software only: numbers may differ in their last digits, rarely an outcome'
    """
    if key == _ORDER:
        return "changes the order of the report, and no number"
    if key == "order of conditions":
        return f"another condition is the first: {EVERYTHING}"
    first, *rest = key.replace("[", ".").split(".")
    if first == "predictions" and rest:
        return f"of the prediction {rest[0]}: {_of_prediction(rest[1:])}"
    if first == "nulls":
        of = rest[0] if rest else "the nulls"
        return f"can change every p-value and interval that rests on {of}, and no observed value"
    if first == "decision":
        return "changes how outcomes become a verdict, and no observed value"
    # a lock names split and frequencies too: those of a plan are settings, those of a lock what came of them
    if first == "hashes" and rest:
        return _LOCK.get(rest[0], EVERYTHING)
    if first == "split" and rest and rest[0].endswith("_documents"):
        return _LOCK["split"]
    return _PLAN.get(first) or _LOCK.get(first) or EVERYTHING


def _of_prediction(rest: list[str]) -> str:
    if not rest:
        return (
            "it was added or left out, which changes the correction of all deciding predictions and what the "
            "verdict rests on"
        )
    if rest[0] == "expects":
        return "changes whom its outcome supports, and no number"
    return _PREDICTION.get(rest[0], "can change its result")
