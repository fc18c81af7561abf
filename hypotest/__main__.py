"""``python -m hypotest``, and where errors become messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hypotest.cli import app
from hypotest.errors import HypotestError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; leave with 0 (done), 1 (the run failed) or 2 (the protocol or command is wrong)."""
    try:
        code = app(args=arguments, prog_name="hypotest", standalone_mode=False)
    except HypotestError as error:
        print(f"error: {error}" if "\n" not in str(error) else str(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped; finished evidence is kept, the next run goes on from it", file=sys.stderr)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
