"""A registered run, bundled: verified without cache, model and network, and without names."""

import io
import os
import shutil
import subprocess
import sys
import zipfile

import polars as pl
import pytest

import hypotest as package
from tests.unrendered import figures_not_rendered

USER, HOST, AUTHOR = "jdoe-planted", "box-planted", "Jane Planted"
OFFLINE = """\
import socket, sys
def refuse(*arguments, **options):
    raise AssertionError("no network here")
socket.getaddrinfo = socket.create_connection = refuse
from hypotest.__main__ import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def study(small_protocol, small_model_folder, tmp_path_factory):
    """A run registered in the folder of a user, whose names stand wherever they can."""
    home = tmp_path_factory.mktemp("home") / USER
    shutil.copytree(small_protocol.parent, home / "study")
    shutil.copytree(small_model_folder, home / "our model")
    text = small_protocol.read_text(encoding="utf-8")
    text = text.replace(f"model: {small_model_folder}", f"model: {home / 'our model'}")
    text = text.replace(f"{small_model_folder}/counts.npy", f"{home / 'our model'}/counts.npy")
    text = text.replace("title: A small test", f"title: A test of {AUTHOR} on {HOST}")
    text = text.replace("nulls:\n", "nulls:\n  untrained: {networks: 1}\n", 1)
    text = text.replace("draws: 599", "draws: 299").replace("draws: 399", "draws: 99")
    path = home / "study" / "small.yaml"
    path.write_text(f"# by {AUTHOR}\n{text}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTEST_CACHE", str(home / "cache"))
        patch.setenv("USER", USER)
        patch.setattr("socket.gethostname", lambda: HOST)
        package.register(path, device="cpu")
        with figures_not_rendered():
            run = package.run(path, out=home / "reports", device="cpu")
        assert run.results.registration.status == "confirmatory"
        yield run, path


def test_a_bundle_is_verified_whole_by_its_own_evidence(study, tmp_path, monkeypatch):
    run, path = study
    made = package.bundle(run, protocol=path, out=tmp_path / "b.zip")
    assert made.evidence and made.left_out == ()
    again = package.bundle(run.folder, protocol=path, out=tmp_path / "again.zip")
    assert again.file.read_bytes() == made.file.read_bytes()
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "empty"))
    with figures_not_rendered():
        verification = package.verify(made.file)
        whole = package.verify(run.folder, protocol=path)  # without the evidence
    assert verification.verified, verification.checks
    assert set(verification.named("agrees")) > set(whole.named("agrees")) - {
        "outcomes and verdicts, from stored draws"
    }
    assert "evidence: untrained 0" in verification.named("agrees")
    (registered,) = (item for item in verification.checks if item.name == "registration")
    assert registered.status == "agrees" and registered.detail.startswith("confirmatory")


def words_in(name: str, content: bytes) -> bytes:
    if name.endswith(".parquet"):
        return content + pl.read_parquet(io.BytesIO(content)).write_csv().encode()
    return content


def test_an_anonymous_bundle_names_nobody_and_is_verified_anywhere(study, tmp_path):
    run, path = study
    made = package.bundle(run, protocol=path, anonymous=True, hide=[AUTHOR], out=tmp_path / "a.zip")
    with zipfile.ZipFile(made.file) as packed:
        files = {name: words_in(name, packed.read(name)) for name in packed.namelist()}
    planted = [USER, HOST, AUTHOR, "our model", str(path.parent), str(run.manifest["hardware"]["processor"])]
    planted += [run.folder.name, run.manifest["started"][:10]]
    for name, content in files.items():
        for word in planted:
            assert word.encode() not in content, f"{word} in {name}"
            assert word not in name
    assert any(name.endswith(".svg") for name in files) and any(name.endswith(".png") for name in files)
    assert b'"taken_out"' in files["bundle.json"]

    (tmp_path / "elsewhere").mkdir()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HYPOTEST")}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, "verify", str(made.file)],
        cwd=tmp_path / "elsewhere",
        env={**inherited, "HYPOTEST_CACHE": str(tmp_path / "empty"), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified: " in done.stdout and "confirmatory" in done.stdout
    assert not (tmp_path / "empty").exists()
