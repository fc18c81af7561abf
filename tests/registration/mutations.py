"""Ways to damage a protocol: bytes of the file, lines of YAML, keys of the data, every key of the schema.

A mutation is known by its seed and number, so that a failure can be had again.
"""

from __future__ import annotations

import json
import pathlib
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from hypotest.registration.schema import schema
from hypotest.registration.source import read_source

ROOT = pathlib.Path(__file__).parents[2]

CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
UNSEEN = list("\u200b\u200e\u202a\u202e\u2066\u2069\u2028\u2029\ufeff\u00ad\ufffe\U000e0041\ue000")
INVALID_UTF8 = [b"\xff", b"\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"]
MARKS = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"]

NAMES = [
    "../x", "..", ".", "/etc/passwd", "C:\\\\x", "a/b", "a\\\\b", "con", "NUL", "com1.txt", "x.", "x ",
    " x", "-rf", "~", "$HOME", "%00", "a\\u0000b", "a\\nb", "a\\e[31mb", "\\e]8;;http://x\\e\\\\y",
    "[bold]x[/bold]", "\\u202egnp", "\\u0430bc", "\\ufb01le", "<script>", "| a | b |", "x" * 300,
]  # fmt: skip
"""What climbs out of a folder, breaks a terminal or looks like something else, as YAML escapes."""

ODD = [
    "0", "-0", "1", "-1", "2", "3.5", "-0.0", "1e-400", "1e308", "1e400", ".inf", "-.Inf", ".NaN", "0x1F",
    "0o17", "0b1", "007", "1_000", "12:30:45", "2025-09-25", "2025-09-25T00:00:00Z", "9" * 19, "9" * 41,
    "-" + "9" * 30, "9223372036854775808", "true", "FALSE", "yes", "null", "~", "''", "'0'", "'1.5'", "x",
    "any", "[]", "{}", "[[]]", "[{}]", "{a: 1}", "[1, x, null]", "{a: {b: {c: []}}}", "[less, less]",
    "[rare, common]", "[common, rare]", "plateau", "last", "reference", "inconclusive", "size_matched",
    "&a [1]", "*a", "&a [*a]", "!!int '3'", "!!python/object/apply:os.system ['exit 1']",
    "!!python/name:os.system", "!<tag:yaml.org,2002:binary> AAAA", "!local x", "!!set {a, b}", "!!null ''",
    "{<<: {a: 1}}", "{? [1]: 2}", "{? {a: 1}: 2}", "{1: 2}", "{null: 1}", "{'': 1}", "{true: 1}",
    "'\ud7ff'", '"\\ud800"', '"\\U0010ffff"', '"\\x00"', '"\\e[31m"', "=", "<<", "'%'", "[" * 30 + "]" * 30,
    "{a: " * 30 + "1" + "}" * 30, "[" + "1, " * 300 + "1]", "{files: []}", "{files: ['']}",
    "{files: [a, a]}", "{top_fraction: 0.02}", "{null: size_matched}", "{reference: 2}",
    "{raw: 1, ratio: 2}", "'" + "x" * 5000 + "'", *(f'"{name}"' for name in NAMES),
]  # fmt: skip
"""Values as they can stand in flow style."""

LINES = [
    "<<: *a", "<<: {draws: 1}", "a: &a {<<: *a}", "? [a, b]", ": 1", "? ", "- ", "---", "...", "%YAML 1.1",
    "%TAG ! x:", "--- !!map", "&a", "*a", "!!x", "\t- x", "|", ">", "key: |", "key: >-", "  unindented",
    "# a comment", "'", '"', "[", "]", "{", "}", "@", "`", ",", "key: value: more", "key: [1, 2", "key: 'x",
    'key: "\\q"', "key: *nobody", "seed: 1", "id: twice", "predictions: []", "nulls: {}", "hypotheses: [a]",
    "hypotheses: [id, role]", "seed: 2 # x", "=: 1", "yes: no", "null: 1", "1: 1", "1.5: 1", "true: true",
    "2025-09-25: 1", "'': 1", "? |\n  long key\n: 1",
]  # fmt: skip


def _place(content: bytes, rng: random.Random) -> int:
    return rng.randrange(len(content) + 1)


def _span(content: bytes, rng: random.Random) -> tuple[int, int]:
    start = _place(content, rng)
    return start, min(len(content), start + rng.choice([1, 2, 5, 20, 100, 1000]))


def _flip(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(content: bytes, rng: random.Random) -> bytes:
    start, stop = _span(content, rng)
    return content[:start] + content[stop:]


def _truncate(content: bytes, rng: random.Random) -> bytes:
    return content[: _place(content, rng)]


def _duplicate(content: bytes, rng: random.Random) -> bytes:
    start, stop = _span(content, rng)
    return content[:stop] + content[start:stop] * rng.choice([1, 2, 50]) + content[stop:]


def _insert(choices: Callable[[random.Random], bytes]) -> Callable[[bytes, random.Random], bytes]:
    def insert(content: bytes, rng: random.Random) -> bytes:
        place = _place(content, rng)
        return content[:place] + choices(rng) * rng.choice([1, 1, 1, 3, 1000]) + content[place:]

    return insert


def _encode(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", errors="replace")
    name = rng.choice(["utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252", "utf-8-sig", "cp037"])
    return text.encode(name, errors="replace")


def _line_ends(content: bytes, rng: random.Random) -> bytes:
    end = rng.choice(
        [b"\r\n", b"\r", b"\n\r", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\x0c", b"\n\n", b""]
    )
    if rng.random() < 0.5:
        return content.replace(b"\n", end)
    place = content.find(b"\n", _place(content, rng))
    return content if place < 0 else content[:place] + end + content[place + 1 :]


def _overwrite(content: bytes, rng: random.Random) -> bytes:
    start, stop = _span(content, rng)
    return content[:start] + rng.randbytes(stop - start) + content[stop:]


BYTES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flip": _flip,
    "cut": _cut,
    "truncate": _truncate,
    "duplicate": _duplicate,
    "control": _insert(lambda rng: rng.choice(CONTROLS).encode()),
    "unseen": _insert(lambda rng: rng.choice(UNSEEN).encode()),
    "not utf-8": _insert(lambda rng: rng.choice(INVALID_UTF8)),
    "mark": _insert(lambda rng: rng.choice(MARKS)),
    "mark first": lambda content, rng: rng.choice(MARKS) + content,
    "syntax": _insert(lambda rng: rng.choice("{}[]:,-?*&!|>'\"%@`#\\ \t~=<").encode()),
    "encoding": _encode,
    "line ends": _line_ends,
    "overwrite": _overwrite,
}


def _lines(change: Callable[[list[str], random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    def apply(content: bytes, rng: random.Random) -> bytes:
        lines = content.decode("utf-8", errors="surrogateescape").split("\n")
        change(lines, rng)
        return "\n".join(lines).encode("utf-8", errors="surrogateescape")

    return apply


def _indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _new_line(lines: list[str], rng: random.Random) -> None:
    place = rng.randrange(len(lines) + 1)
    indent = _indent_of(lines[place - 1]) if rng.random() < 0.7 else " " * rng.randrange(8)
    lines.insert(place, indent + rng.choice(LINES))


def _delete_lines(lines: list[str], rng: random.Random) -> None:
    place = rng.randrange(len(lines))
    del lines[place : place + rng.choice([1, 1, 2, 5])]


def _copy_line(lines: list[str], rng: random.Random) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))


def _swap_lines(lines: list[str], rng: random.Random) -> None:
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _indent(lines: list[str], rng: random.Random) -> None:
    place = rng.randrange(len(lines))
    white = rng.choice(["", " ", "  ", "   ", "      ", "\t", " \t", "\u00a0", " " * 200])
    lines[place] = white + lines[place].lstrip()


def _value_of_line(lines: list[str], rng: random.Random) -> None:
    places = [place for place, line in enumerate(lines) if ": " in line]
    if places:
        place = rng.choice(places)
        lines[place] = lines[place].partition(": ")[0] + ": " + rng.choice(ODD)


def _prefix_value(lines: list[str], rng: random.Random) -> None:
    place = rng.randrange(len(lines))
    sign = rng.choice(
        ["&a ", "*a ", "!!str ", "!!python/tuple ", "- ", "? ", "| ", "> ", "!<x> ", "& ", "! ", "'"]
    )
    lines[place] = lines[place].replace(": ", f": {sign}", 1)


def _colon(lines: list[str], rng: random.Random) -> None:
    place = rng.randrange(len(lines))
    lines[place] = lines[place].replace(":", rng.choice(["", " :", "::", ": :", "=", ": -", ": [", "："]), 1)


def _junk(lines: list[str], rng: random.Random) -> None:
    """Something large or deep at the end, beside a protocol that may be valid."""
    levels = rng.randrange(2, 12)
    bomb = ["b0: &b0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 9)}]" for i in range(1, levels)]
    count = rng.choice([10, 100, 1000, 6000])
    lines += rng.choice(
        [
            bomb,
            ["&r a: &c [*c, *r]"],
            ["m: &m {<<: *m}", "<<: [*m, *m]"],
            ["deep: " + "[" * count + "]" * rng.choice([0, count])],
            ["deep: " + "{a: " * count],
            ["deep: " + "- " * count],
            ["deep: " + "? " * count],
            ["deep: " + "!a " * min(count, 1000)],
            [" " * place + f"k{place}:" for place in range(min(count, 200))],
            ["long: " + "x" * 40 * count],
            ["long: '" + "x\n  " * count + "'"],
            ["long: !" + "x" * 5 * count + " y"],
            ["long: &" + "x" * 5 * count + " y"],
            ["k" * 5 * count + ": 1"],
            [f"k{place}: 1" for place in range(count)],
            [f"k{place}: *a" for place in range(min(count, 2000))],
            ["hypotheses: [" + ", ".join(f"h{place}" for place in range(min(count, 2000))) + "]"],
            ["hypotheses: [" + ", ".join(["h"] * min(count, 2000)) + "]"],
            ["multiverse: {variance: [" + ", ".join(f"0.{5000 + place}" for place in range(count)) + "]}"],
            ["corpus: {text: {files: [" + ", ".join(map(str, range(count))) + "]}}"],
            ["number: " + "9" * count],
            ["---", *lines],
            ["...", "---", "a: 1"],
            ["# " + "x" * 40 * count],
            ["a: 1"] * count,
        ]
    )


LINE_KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "new line": _lines(_new_line),
    "delete lines": _lines(_delete_lines),
    "copy line": _lines(_copy_line),
    "swap lines": _lines(_swap_lines),
    "indent": _lines(_indent),
    "odd value": _lines(_value_of_line),
    "prefix": _lines(_prefix_value),
    "colon": _lines(_colon),
    "junk": _lines(_junk),
    "shuffle": _lines(lambda lines, rng: rng.shuffle(lines)),
}


# --- keys of the data ------------------------------------------------------------------------------------

_ODD_PLACE = "@@odd@@"


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path into plain data, the empty one included."""
    yield path
    items = enumerate(value) if isinstance(value, list) else ()
    for key, item in value.items() if isinstance(value, dict) else items:
        yield from paths(item, (*path, key))


def _parent(data: Any, path: tuple[str | int, ...]) -> Any:
    for key in path[:-1]:
        data = data[key]
    return data


def _change_keys(data: Any, rng: random.Random) -> list[str]:
    """Change keys of the data in place; gives the YAML of the odd values that it put there."""
    odd: list[str] = []
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        ways = [path for path in paths(data) if path]
        if not ways:
            break
        path = rng.choice(ways)
        place, last = _parent(data, path), path[-1]
        kind = rng.randrange(7)
        if kind == 0:
            del place[last]
        elif kind == 1 and isinstance(place, dict):
            word = str(last)
            at = rng.randrange(len(word) + 1)
            renamed = rng.choice(
                [word[:at] + word[at + 1 :], word[:at] + "x" + word[at:], word.upper(), word + " ", "x"]
            )
            place[renamed] = place.pop(last)
        elif kind == 2:  # to another depth
            value = place.pop(last)
            targets = [data, *(_parent(data, (*way, 0)) for way in paths(data))]
            target = rng.choice([item for item in targets if isinstance(item, dict | list)])
            if isinstance(target, dict):
                target[str(last)] = value
            else:
                target.append(value)
        elif kind == 3:  # one level deeper
            place[last] = rng.choice([[place[last]], {"x": place[last]}, {str(last): place[last]}])
        elif kind == 4:
            place[last] = json.loads(json.dumps(_parent(data, (*rng.choice(ways), 0))))
        elif kind == 5 and isinstance(place, list):
            place.extend(json.loads(json.dumps(place)) * rng.choice([1, 1, 20]))
        else:
            place[last] = f"{_ODD_PLACE}{len(odd)}@"
            odd.append(rng.choice(ODD))
    return odd


def written(data: Any, odd: list[str], block: bool) -> bytes:
    """Data as YAML, in flow style (JSON) or its first levels in block style."""
    text = _block(data) if block and isinstance(data, dict) else json.dumps(data)
    for number, value in enumerate(odd):
        text = text.replace(f'"{_ODD_PLACE}{number}@"', value)
    return text.encode("utf-8", errors="surrogatepass")


def _block(value: Any, indent: str = "") -> str:
    if isinstance(value, dict) and value and len(indent) < 6:
        lines = []
        for key, item in value.items():
            nested = isinstance(item, dict | list) and item and len(indent) < 4
            text = f"\n{_block(item, indent + '  ')}" if nested else f" {json.dumps(item)}"
            lines.append(f"{indent}{json.dumps(key)}:{text}")
        return "\n".join(lines)
    if isinstance(value, list) and value:
        return "\n".join(f"{indent}- {json.dumps(item)}" for item in value)
    return indent + json.dumps(value)


def schema_paths() -> list[tuple[str | int, ...]]:
    """Every key of the language; 0 stands for a list's first item."""
    document = schema()
    paths: dict[tuple[str | int, ...], None] = {}

    def walk(entry: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(entry, dict) or len(path) > 12:
            return
        if "$ref" in entry:
            _, section, name = entry["$ref"].split("/")
            walk(document[section][name], path)
        for part in (*entry.get("anyOf", ()), *entry.get("oneOf", ()), *entry.get("allOf", ())):
            walk(part, path)
            walk(part.get("then"), path)
        if "items" in entry:
            paths[(*path, 0)] = None
            walk(entry["items"], (*path, 0))
        for key, item in entry.get("properties", {}).items():
            paths[(*path, key)] = None
            walk(item, (*path, key))

    walk(document, ())
    return list(paths)


def put(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Put a value at a path of plain data, making what is not there; gives the data."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        items = data if isinstance(data, list) else []
        return [put(items[0] if items else None, rest, value), *items[1:]]
    mapping = data if isinstance(data, dict) else {}
    return {**mapping, key: put(mapping.get(key), rest, value)}


class Mutations:
    """A numbered series of damaged protocols; any of them can be had alone."""

    def __init__(self, seed: int, protocols: list[pathlib.Path] | None = None) -> None:
        files = protocols or sorted((ROOT / "protocols").glob("*.yaml"))
        self._seed = seed
        # Also without comments, so that more of the mutations hit what is read.
        texts = [file.read_bytes() for file in files]
        self._texts = [*texts, *(re.sub(rb"(?m)\s+#.*$", b"", text) for text in texts)]
        self._data = [json.dumps(read_source(file).data) for file in files]
        self._keys = schema_paths()

    def __getitem__(self, number: int) -> tuple[str, bytes]:
        """The kinds of a mutation, and the file."""
        rng = random.Random(f"{self._seed}:{number}")
        level = number % 4
        if level == 0:
            return self._in_turn(BYTES, rng)
        if level == 1:
            return self._in_turn(LINE_KINDS, rng)
        data = json.loads(rng.choice(self._data))
        if level == 2:
            odd = _change_keys(data, rng)
            kinds, content = "keys", written(data, odd, rng.random() < 0.5)
        else:
            # Keys and odd values in turn, so that a long run meets every pair.
            key = self._keys[(number // 4) % len(self._keys)]
            value = ODD[(number // 4 // len(self._keys) + number // 4) % len(ODD)]
            kinds, content = (
                f"{'.'.join(map(str, key))} = {value[:40]}",
                written(put(data, key, f"{_ODD_PLACE}0@"), [value], rng.random() < 0.5),
            )
        if rng.random() < 0.1:
            more, content = self._in_turn(BYTES, rng, content)
            kinds = f"{kinds}, {more}"
        return kinds, content

    def _in_turn(
        self,
        kinds: dict[str, Callable[[bytes, random.Random], bytes]],
        rng: random.Random,
        content: bytes | None = None,
    ) -> tuple[str, bytes]:
        content = rng.choice(self._texts) if content is None else content
        names = [rng.choice(list(kinds)) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        for name in names:
            content = kinds[name](content, rng)
        return ", ".join(names), content
