import pytest

from hypotest.engine.session import cache_folder


@pytest.mark.parametrize("name", ["HYPOTEST_CACHE", "XDG_CACHE_HOME"])
def test_a_home_folder_that_no_shell_has_written_out(monkeypatch, tmp_path, name):
    for each in ("HYPOTEST_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(name, "~/x")
    assert cache_folder() == tmp_path / "x" / ("" if name == "HYPOTEST_CACHE" else "hypotest")


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x"
    monkeypatch.delenv("HYPOTEST_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hypotest"
