"""``python -m hypotest``, and where errors become messages and exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from hypotest.errors import HypotestError, StoppedError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, and leave with an exit code.

    0: done; 1: it failed; 2: protocol or command wrong; 3: `verify` found no difference, and could not check
    everything; 130: stopped.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a title that the terminal cannot write must not fail a run that is finished
        sys.stdout.reconfigure(errors="replace")
    try:
        from hypotest.cli import app  # imported here, so that Ctrl-C while it loads is answered as later

        app(args=arguments, prog_name="hypotest")
    except KeyboardInterrupt:
        sys.exit(StoppedError.exit_code)
    except HypotestError as error:
        from hypotest.cli.options import as_options
        from hypotest.pages.text import terminal_text

        # names in it come from files and models, and may hold what moves or paints a terminal
        message = as_options(terminal_text(error))
        print(message if "\n" in message else f"error: {message}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
