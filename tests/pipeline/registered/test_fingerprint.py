"""Versions; the code is tested in test_fence, other hashes with a model in test_registered."""

from importlib import metadata

from hypotest.pipeline.registered.fingerprint import software_versions


def test_versions_are_the_installed_ones():
    versions = software_versions()
    assert versions["torch"] == metadata.version("torch")
    assert "python" in versions
