import pytest

from hypotest.engine.session import Session, cache_folder


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


def test_what_lies_within_something_says_so_of_stages_and_of_their_pieces():
    told = []

    def display(name, n_steps):
        told.append((name, n_steps))
        return lambda: None

    timed = []
    session = Session.start(1, display).telling(lambda name, n_steps: timed.append(name) or (lambda: None))
    member = session.within("layer 2")
    member.stage("predictions", 3)
    member.pieces("groups", 4)
    assert timed == ["layer 2: predictions"]
    assert told == [("layer 2: groups", 4)]
    assert member.streams is session.streams and member.cache == session.cache
