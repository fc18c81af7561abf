import json
from pathlib import Path

import pytest

from hypotest.errors import OutputError, ProtocolError
from hypotest.registration import load_protocol, protocol_hash
from hypotest.studies.export import export_registration, read_lock

SHIPPED = Path(__file__).parents[2] / "protocols" / "rare-tokens.yaml"


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(SHIPPED.read_bytes())
    return path


def test_the_lock_beside_the_protocol_is_read(protocol):
    assert "**Not registered.**" in export_registration(protocol)
    lock = {
        "registered": "2026-11-21T18:00:00Z",
        "hashes": {"protocol": protocol_hash(load_protocol(protocol))},
        "evaluation_evidence_existed": False,
    }
    (protocol.parent / "mine.lock.json").write_text(json.dumps(lock), encoding="utf-8")
    assert "**Registered 2026-11-21T18:00:00Z.**" in export_registration(protocol)
    protocol.write_text(
        protocol.read_text(encoding="utf-8").replace("level: 0.05", "level: 0.04"), encoding="utf-8"
    )
    assert "**Changed since" in export_registration(protocol)


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"hashes": 1}', b"\xff", b"[" * 100_000])
def test_a_lock_that_is_none_is_a_clear_error(protocol, content):
    path = protocol.parent / "mine.lock.json"
    path.write_bytes(content)
    with pytest.raises(ProtocolError, match=r"mine.lock.json must be what `hypotest register` writes"):
        export_registration(protocol)


def test_a_folder_in_the_place_of_the_lock_is_a_clear_error(protocol):
    (protocol.parent / "mine.lock.json").mkdir()
    with pytest.raises(ProtocolError, match="nothing that can be read"):
        export_registration(protocol)


def test_no_lock_is_none(tmp_path):
    assert read_lock(tmp_path / "absent.lock.json") is None


def test_the_file_gets_the_text(protocol, tmp_path):
    target = tmp_path / "a" / "b.md"
    text = export_registration(protocol, target)
    assert target.read_text(encoding="utf-8") == text
    with pytest.raises(OutputError, match="cannot be written"):
        export_registration(protocol, tmp_path)
