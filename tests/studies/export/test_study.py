from pathlib import Path

import pytest

from hypotest.errors import OutputError
from hypotest.registration import load_protocol
from hypotest.studies.export.study import export_registration
from tests.registrations import enter, fingerprint_of

SHIPPED = Path(__file__).parents[3] / "protocols" / "rare-tokens.yaml"


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(SHIPPED.read_bytes())
    return path


def test_the_lock_beside_the_protocol_is_read(protocol):
    assert "**Not registered.**" in export_registration(protocol)
    lock = enter(protocol.parent, fingerprint_of(load_protocol(protocol)), protocol.name)
    assert f"**Registered {lock.registered}.**" in export_registration(protocol)
    protocol.write_text(
        protocol.read_text(encoding="utf-8").replace("level: 0.05", "level: 0.04"), encoding="utf-8"
    )
    assert "**Changed since" in export_registration(protocol)


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"hashes": 1}', b"\xff", b"[" * 100_000])
def test_a_lock_that_is_none_is_a_clear_error(protocol, content):
    path = protocol.parent / "mine.lock.json"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"mine.lock.json: (is no lock|must be UTF-8)"):
        export_registration(protocol)


def test_a_folder_in_the_place_of_the_lock_is_a_clear_error(protocol):
    (protocol.parent / "mine.lock.json").mkdir()
    with pytest.raises(OutputError, match="cannot be read"):
        export_registration(protocol)


def test_the_file_gets_the_text(protocol, tmp_path):
    target = tmp_path / "a" / "b.md"
    text = export_registration(protocol, target)
    assert target.read_text(encoding="utf-8") == text
    with pytest.raises(OutputError, match="cannot be written"):
        export_registration(protocol, tmp_path)
