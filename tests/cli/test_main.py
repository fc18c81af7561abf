"""Where errors become messages and exit codes."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from hypotest.__main__ import main


def test_ctrl_c_while_the_commands_are_loaded_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def pressed(name: str, *rest: Any) -> Any:
        if name == "hypotest.cli":
            raise KeyboardInterrupt
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", pressed)
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 130 and capsys.readouterr().err == ""
