"""What git knows of a protocol, in repositories made for the purpose."""

import subprocess

import pytest

from hypotest.registration.locks import repository
from hypotest.registration.locks.repository import git_state


def git(folder, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def protocol(tmp_path):
    """Committed, in a folder of a repository without a remote."""
    top = tmp_path / "top"
    path = top / "some [folder]" / "p.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("a")
    (top / "other.txt").write_text("b")
    (path.parent / "registry.jsonl").write_text("c")
    git(top, "init", "-q", "-b", "main")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "first")
    return path


def test_a_clean_repository(protocol):
    state = git_state(protocol)
    assert state is not None
    assert len(state.commit) == 40
    assert (state.branch, state.clean, state.pushed) == ("main", True, False)


def test_a_changed_protocol_is_not_clean(protocol):
    protocol.write_text("another")
    assert git_state(protocol).clean is False
    git(protocol.parent, "add", "-A")  # staged is not committed
    assert git_state(protocol).clean is False
    git(protocol.parent, "commit", "-qm", "second")
    assert git_state(protocol).clean is True


def test_a_change_that_git_was_told_to_overlook_is_found(protocol):
    git(protocol.parent, "update-index", "--assume-unchanged", "p.yaml")
    protocol.write_text("another")
    assert git_state(protocol).clean is False


def test_another_changed_file_is_not_clean_but_untracked_ones_do_not_count(protocol):
    (protocol.parent / "new.txt").write_text("untracked")
    assert git_state(protocol).clean is True
    (protocol.parents[1] / "other.txt").write_text("changed")
    assert git_state(protocol).clean is False


def test_what_registering_writes_itself_does_not_count(protocol):
    (protocol.parent / "registry.jsonl").write_text("longer")
    assert git_state(protocol).clean is False
    assert git_state(protocol, ("registry.jsonl",)).clean is True


def test_an_untracked_protocol_is_not_clean(protocol):
    other = protocol.with_name("q.yaml")
    other.write_text("a")
    assert git_state(other).clean is False


def test_pushed_means_that_a_remote_branch_has_the_commit(protocol, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(protocol.parent, "remote", "add", "origin", str(tmp_path / "remote.git"))
    assert git_state(protocol).pushed is False
    git(protocol.parent, "push", "-q", "origin", "main")
    assert git_state(protocol).pushed is True
    protocol.write_text("another")
    git(protocol.parent, "commit", "-qam", "second")
    assert git_state(protocol).pushed is False


def test_no_branch(protocol):
    git(protocol.parent, "checkout", "-q", "--detach")
    assert git_state(protocol).branch is None


def test_no_repository_no_commit_no_git(tmp_path, protocol, monkeypatch):
    outside = tmp_path / "p.yaml"
    outside.write_text("a")
    assert git_state(outside) is None
    git(tmp_path, "init", "-q", "empty")
    assert git_state(tmp_path / "empty" / "p.yaml") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(protocol) is None


def test_variables_of_a_hook_do_not_lead_elsewhere(protocol, tmp_path, monkeypatch):
    expected = git_state(protocol)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert git_state(protocol) == expected


def test_a_git_that_does_not_answer(protocol, tmp_path, monkeypatch):
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent))
    monkeypatch.setattr(repository, "_SECONDS", 0.2)
    assert git_state(protocol) is None
