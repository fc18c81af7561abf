"""What to do about an error whose message leaves that to the reader, or to what is filled in."""

from __future__ import annotations

import re

_VERBS = (
    "add ask be begin call calibrate check choose compare contrast convert correct count create declare define delete "
    "demand describe exclude fetch fill find free give hide hold install leave let list load look lower make match merge "
    "move must name needs number pass put raise read remove rename report restore run save say set shorten take test "
    "unpack use verify wait write"
)
INSTRUCTS = re.compile(
    rf"\bmust\b|\bneeds\b|(?:^|[:;,.(] |\bor |\band )(?:{'|'.join(_VERBS.split())})\b(?!=)", re.I
)
"""What a clause that says what to do begins with, or has."""

_READABLE = "Check that the file is there, whole, and yours to read"
_NAME = "Take one of the names that the message lists, and look for a slip of the pen"
_NOT_FINITE = (
    "Check the weights: load the model elsewhere, or fetch it again. If it overflows in float32, write "
    "`subject: {dtype: float64}`"
)
_ANOTHER_SAE = (
    "Take an autoencoder of this model, layer and stream, or set `subject.layer` to the one that it is of"
)
_COLUMN = "Write a column that is there, or add it to the file"
_FAMILY = "Test a model of another family, or hand it over as any network: `hypotest.Network` in Python"
REMEDIES: tuple[tuple[str, str], ...] = (
    # protocol and command
    ("^effects are planted in", "Ask for another scenario; `hypotest calibrate` without `--scenario` has them all"),
    ("^no network of known organisation", _NAME),
    ("^not available yet", "Leave the key out; what the message names comes nearest"),
    ("there is no prediction", _NAME),
    ("^scheduler=…: cannot be reached", "Start the scheduler, and check address and port from this machine"),
    ("^there is no (measure|scenario|page format)|^unknown template", _NAME),
    ("^workers=, scheduler=, cluster=: need", "Install what the message names: `pip install 'hypotest-nn[cluster]'`"),
    ("dask-jobqueue does not take it", "Look the key up in dask-jobqueue's pages on this system, or leave it out"),
    ("^…: memory: …", "Write it with its unit, such as `memory: 16GB`"),
    ("Required are …; there are besides", "Leave the key out, or write it as the message lists it"),
    ("^the cache is full", "Prune what the message names, or set a larger `HYPOTEST_CACHE_QUOTA`"),
    ("declares no series", "Use `hypotest.run`, or list several models, checkpoints or layers under `subject`"),
    ("^…: explore shows", "Run the trial that the message names"),
    ("no prediction that decides can be simulated", "Calibrate a protocol with another measure that decides"),
    ("the width of the layer of … is not known", "Describe the neurons' module under `subject.anatomy`"),
    ("looked for in …$", "Check the path, which starts from the protocol's folder"),
    # a run
    ("the registry does not verify", "Restore the registry from version control; `hypotest registry verify` says what is wrong"),
    # evidence
    ("none of the … neurons varies", "Check the layer and the numbers in `group.select.ids`"),
    ("delta_loss .* is not finite|of … values are not finite|a change of loss at rows of", _NOT_FINITE),
    ("cached (evidence|lesions) … are damaged|cached evidence … is damaged: …", "Delete the folder and run again: it is collected anew"),
    ("has no channel …: the subject declares no parts", "Declare `parts` of the units, or leave out measures of a partition"),
    ("has no channel …; found", "Collect it too, or leave out the measures that read it; each measure's page names its channel"),
    ("is not the evidence that the run used", "Name the cache that the run was made with in `HYPOTEST_CACHE`, or run the protocol again"),
    ("parts of the run's evidence are not in", "Run the protocol again, or bundle with `small=True`"),
    ("units vary on the selection split: there is no group", "Name another layer, or load the trained weights"),
    ("evidence cannot be read", "Write the file with `np.savez`, from arrays of numbers and text"),
    ("^…: no such file", "Check the path"),
    ("activation of unit … at row|outcome with unit … ablated is not finite", "Leave such rows out, or correct what computes them"),
    ("there is no network in which", "Give the network, or leave out measures of lesions; evidence from elsewhere can bring them along"),
    # the self-check
    ("No result can be trusted; please report", "Report it; until then try `dtype: float64`, or another layer"),
    # output
    ("^cannot read …: no such file", "Check the path"),
    ("^cannot write evidence to|cannot be written: …$", "Free space, check that the folder is yours to write, or name another place"),
    ("keep=…: there is no such folder", "Name the folder that the runs lie in"),
    ("^no room for the evidence", "Free space, or set `HYPOTEST_CACHE` to a folder on a larger disk"),
    ("^null draws need the columns", "Restore `nulls.parquet` from a backup, or run the protocol again"),
    ("the bundle would not be anonymous", "Rename it in the protocol, or hide other names"),
    ("^the cache …: … in HYPOTEST_CACHE", "Set `HYPOTEST_CACHE` to a folder that can be written"),
    ("^…: cannot be read: …", _READABLE),
    ("cannot be removed", "Check that the folder is yours to write, and that nothing has a file of it open"),
    ("cannot be unpacked|too large for a lock|bytes would become|it is not unpacked|which no bundle does", "Fetch the file again, or make it anew"),
    ("does not hold results of schema version|is not what this version of hypotest writes|of this version of hypotest$", "Read it with the version of hypotest that its manifest names, or run the protocol again"),
    ("evidence cannot be collected there", "Set `HYPOTEST_CACHE` to a folder that can be written and has room"),
    ("holds neither|Is … the folder of a run|holds no run", "Name the folder that has `results.json` in it"),
    ("holds … can be bundled: ", "Bundle its members one by one, as the message shows"),
    ("is no bundle; ", "Make one with the command that the message names"),
    ("is no lock: …", "Restore the lock from version control; it is not to be edited"),
    ("not found; `hypotest report", "Run the command that the message names"),
    ("nothing is added to a registry", "Restore it, as the message says"),
    ("what the run did cannot be read", "Restore the run's folder from a backup, or run the protocol again"),
    ("there are not hypotest's", "Name another folder: files of others are not overwritten"),
    ("was simulated with other code", "Count anew in another folder, or with the code that it was simulated with"),
    # a model elsewhere
    ("the host did not answer", "Ask again: the same call goes on where it was stopped"),
    ("the host computes in too low a precision", "Ask for a deployment in float32, or run the model here"),
    ("^module=…: the model has no such module", "Write its path as in `model.named_modules()`"),
    # text, frequencies, positions
    ("^cannot read … of the text|^…: cannot be (read|…)", _READABLE),
    ("^corpus.context: … tokens, but", "Lower `corpus.context` to what the model takes"),
    ("no values that were tried fit this text", "Give more text, or define the conditions more widely"),
    ("^no (document|row|span|token type)|^the column … has one value only", "Compare the condition with the text: `hypotest corpus check PROTOCOL` shows what there is"),
    ("^…: no row has the column|has no column …|texts of packages have the columns|of … documents are none of the text", _COLUMN),
    ("has no split …; it has", "Name one of the splits that the message lists"),
    ("the tokenizer of … gives token …, but its model has", "Save the tokenizer that the model was trained with beside it"),
    ("the frequency table counts only", "Count a longer text, or one of this tokenizer's tokens"),
    ("files: (all files are empty|there is no example)", "Name files that have text in them"),
    ("holds NUL characters", "Name the text itself, or convert the file to UTF-8 text"),
    ("the package datasets, which is missing", "Install it: `pip install datasets`"),
    ("the pair … lies in two clusters", "Give both examples of the pair one cluster"),
    ("the span … to … lies outside document", "Count characters from the start of the document, as the text is read"),
    ("there is no folder …, and it is no name of the Hugging Face Hub|no folder …, and … is no name", "Check the path, or write the Hub's name as OWNER/NAME"),
    # the network
    ("a model in memory is one checkpoint", "Leave the revision out of the protocol, or run it once for each checkpoint"),
    ("^device=… is not available", "Choose one of those that the message lists, or `auto`"),
    ("^subject.anatomy", "Write a part as the message lists them, with paths as in `model.named_modules()`"),
    ("^subject.layer: no attention of", "Name a layer behind some attention, or leave out measures of heads"),
    ("no layer can be tested|no member of the series can be tested", "Name layers or models that can be: the message says what each lacks"),
    ("^subject.layer: … has the layers", "Name one of these"),
    ("tokenizer of … has neither|the tokenizer of … …|no fast tokenizer|its tokenizer has no mask token", "Save the tokenizer that the model was trained with beside it: `tokenizer.save_pretrained(FOLDER)`"),
    ("the weights of … lack parameters|have other shapes than its config|holds … weights, and the model|lacks the weights of … parameters", "Fetch the model again, or put the `config.json` beside it that belongs to these weights"),
    ("subject.model: … cannot be read|subject.units.sae: … cannot be read", _READABLE),
    ("is of the architecture …, which transformers does not read", "Test the model that the file was made from"),
    ("is of the family …, which hypotest cannot test|is of the family …: …", _FAMILY),
    ("in a package that is not installed", "Install that package"),
    ("takes at most … token at once", "Test a model that reads several tokens"),
    ("logits are not finite", _NOT_FINITE),
    ("^subject.network: …, which offers …, cannot make it", "Correct what the message quotes in that package's network"),
    ("^subject.revision: the folder … has no checkpoint", "Name one of the checkpoints that lie in the folder"),
    ("was trained on …, which is no block|it was trained on another network|trained on a stream without its mean|and block … of … is tested", _ANOTHER_SAE),
    ("clusters names the column", _COLUMN),
    ("partition: the units are 0 to", "Number the parts' units within that range"),
    ("units …: (the module|this module)", "Name a module that runs once for each row, with the same shape"),
    ("units …: there are the steps", "Name one of these steps"),
    ("units …: there is no such module", "Write its path as in `network.named_modules()`"),
)  # fmt: skip
"""What is found in a message -> what to do, for all that say nothing of it themselves."""


def remedy_of(message: str) -> str:
    """What a page adds to a message; empty where the message itself says what to do.

    Args:
        message: As it is collected, with ``…`` for what is filled in.

    Raises:
        LookupError: If neither says it.
    """
    if INSTRUCTS.search(message):
        return ""
    for pattern, remedy in REMEDIES:
        if re.search(pattern, message):
            return remedy
    raise LookupError(f"the message {message!r} does not say what to do: let it, or add a remedy here")
