"""The examples of agreement.yaml: 118 nouns in four minimal pairs each, as JSON lines.

Example:
    python protocols/registered/agreement.py
"""

from __future__ import annotations

import json
from pathlib import Path

NOUNS = """
argument array attribute axis branch buffer button cache callback class client column command comment
connection constant container context cookie coordinate copy date decorator default device document element
encoder engine entry error event exception expression extension field file filter flag folder format frame
function graph header image index instance iterator key label layer level limit line link list loop map
marker menu message method metric model module name network node number object operator option order output
package page panel parameter parser path pattern pixel plot plugin point pointer policy pool port process
profile program prompt property query queue record region request resource response result row rule sample
schema script section segment sensor sequence server session signal slice socket source
""".split()  # noqa: SIM905
IRREGULAR = {"axis": "axes", "index": "indices"}
FRAMES = (  # before the noun, after it, verb for one, verb for many
    ("The {}", " of this module", " is", " are"),
    ("If the {}", " in the list", " has", " have"),
    ("By default, the {}", " that we use here", " was", " were"),
    ("Return whether the first {}", " of the object", " does", " do"),
)


def plural(noun: str) -> str:
    """Of a noun of the list."""
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def main() -> None:
    """Write agreement.jsonl beside this file."""
    lines = []
    for noun in NOUNS:
        for place, (before, after, one, many) in enumerate(FRAMES):
            for number, form, target, foil in (
                ("singular", noun, one, many),
                ("plural", plural(noun), many, one),
            ):
                prompt = before.format(form) + after
                row = {"prompt": prompt, "target": target, "foil": foil, "number": number}
                lines.append(json.dumps({**row, "noun": noun, "item": f"{noun} {place}"}))
    Path(__file__).with_name("agreement.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
