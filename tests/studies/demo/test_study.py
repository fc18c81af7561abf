"""The run that ships with the package is the example, and needs neither model nor torch."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import hypotest
from hypotest.errors import OutputError
from hypotest.studies.demo.study import FILES, SHIPPED, demo, pack
from tests.example import EXAMPLE


def test_what_ships_is_the_example(tmp_path: Path) -> None:
    with zipfile.ZipFile(SHIPPED) as shipped:
        assert sorted(shipped.namelist()) == sorted(FILES)
        for name in set(FILES) - {"manifest.json"}:
            assert shipped.read(name) == (EXAMPLE / name).read_bytes(), f"{name}: make example packs it anew"
    pack(EXAMPLE, tmp_path / "again.zip")
    pack(EXAMPLE, tmp_path / "twice.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "twice.zip").read_bytes()


def test_it_is_a_run_that_can_be_opened_twice(tmp_path: Path) -> None:
    run = demo(tmp_path / "demo")
    assert run.verdict_line == "modular: refuted; distributed: undecided"
    assert {item.name for item in run.folder.iterdir()} == set(FILES)
    assert demo(tmp_path / "demo").nulls.height > 1000
    checked = hypotest.verify(run.folder)
    assert checked.named("agrees") and not checked.named("differs")


def test_it_does_not_take_the_place_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years", encoding="utf-8")
    with pytest.raises(OutputError, match="holds something else than a demo; name another folder with out="):
        demo(tmp_path)
    assert (tmp_path / "thesis.tex").read_text(encoding="utf-8") == "years"


@pytest.mark.slow
def test_the_command_loads_no_torch_and_takes_seconds(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom hypotest.__main__ import main\n"
        f"sys.argv = ['hypotest', 'demo', '--out', {str(tmp_path / 'demo')!r}, '--no-open']\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code\n"
        "assert not {'torch', 'transformers', 'nnsight', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
    )
    start = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Verdict: modular: refuted; distributed: undecided" in done.stdout
    assert time.process_time() - start < 10
