"""What `hypotest explore` leaves behind: ``explore.md``, figures, ``explore.json``, ``neurons.parquet``."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.records.exploration import Exploration
from hypotest.records.folders import replace_folder
from hypotest.report.exploration import blind_text, group_text, scope_text, sections
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.tables import details, table
from hypotest.report.text import escape_markdown


def write_exploration(result: Exploration) -> None:
    """Write everything into the result's folder, in the place of what an earlier call left there.

    Raises:
        OutputError: If it cannot be written.
    """
    # Imported here: everything else answers without matplotlib.
    from hypotest.report.exploration_figures import save_exploration

    plain = fields_without(result, "neurons", "folder")
    with replace_folder(result.folder) as folder:
        (folder / "explore.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        (folder / "explore.md").write_text(render_exploration(result), encoding="utf-8", newline="\n")
        result.neurons.write_parquet(folder / "neurons.parquet")
        save_exploration(result, folder)


def render_exploration(result: Exploration) -> str:
    """The report as Markdown; figures are expected beside it."""
    return "\n\n".join(_parts(result)) + "\n"


def _parts(result: Exploration) -> Iterator[str]:
    from hypotest.report.exploration_figures import CAPTIONS

    yield f"# Exploration: {escape_markdown(result.title)}"
    yield f"**{escape_markdown(scope_text(result))}**"
    yield f"Protocol `{result.protocol_id}`, SHA-256 of its content `{result.protocol_hash}`."
    yield "## What remains blind"
    yield escape_markdown(blind_text(result))
    yield "## The group"
    yield escape_markdown(group_text(result))
    yield details("Neurons, the most influential first", ", ".join(map(str, result.group.neurons)))
    for section in sections(result):
        yield f"## {section.title}"
        yield table(
            list(map(escape_markdown, section.head)),
            [list(map(escape_markdown, row)) for row in section.rows],
            numeric=tuple(range(1, len(section.head))),
        )
        yield escape_markdown(section.legend)
        if section.figure is not None:
            caption = CAPTIONS[section.figure]
            yield f"![{caption}]({section.figure}.svg)"
            yield f"*{caption}* ([png]({section.figure}.png))"
    if result.notes:
        yield "## Notes"
        yield "\n".join(f"- {escape_markdown(note)}" for note in result.notes)
