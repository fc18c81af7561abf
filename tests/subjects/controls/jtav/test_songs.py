"""Generated songs: which modality carries which label."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score

from hypotest.subjects.controls.jtav.lyrics import BRIGHT, DARK, NOUNS, VOCABULARY, text_of
from hypotest.subjects.controls.jtav.songs import LABELS, PRIVATE, Songs, songs

CARRIED_BY = {
    "romantic": {"text"},
    "electronic": {"audio"},
    "portrait": {"image"},
    "happy": {"text", "audio", "image"},
    "danceable": {"text", "audio", "image"},
    "tearful": {"text", "audio", "image"},
}


@pytest.fixture(scope="module")
def written() -> Songs:
    return songs(2400, np.random.default_rng(3))


def summaries(written: Songs) -> dict[str, np.ndarray]:
    """A few numbers of each modality, taken without a network."""
    words = torch.cat([written.lyrics, written.captions], dim=1).numpy()
    bag = np.stack([(words == word).sum(axis=1) for word in range(len(VOCABULARY))], axis=1)
    sound = written.spectrograms.numpy()
    bands = sound.reshape(len(sound), 64, 16, 5).mean(axis=3)
    beats = np.abs(np.fft.rfft(bands, axis=1))[:, 1:33].max(axis=2)
    covers = written.covers.numpy()
    grey = covers.mean(axis=1)
    shape = (
        np.abs(grey - np.median(grey, axis=(1, 2), keepdims=True)).reshape(-1, 12, 2, 12, 2).mean(axis=(2, 4))
    )
    colour = covers.mean(axis=(2, 3))
    return {
        "text": bag,
        "audio": np.concatenate([bands.mean(axis=1), bands.std(axis=1), beats], axis=1),
        "image": np.concatenate([shape.reshape(len(shape), -1), colour[:, :1] - colour[:, 2:]], axis=1),
    }


def test_each_label_is_carried_by_the_modalities_that_it_should(written: Songs) -> None:
    half = len(written) // 2
    for modality, numbers in summaries(written).items():
        trees = ExtraTreesClassifier(60, min_samples_leaf=5, random_state=0)
        trees.fit(numbers[:half], written.labels[:half].numpy())
        for label, odds in zip(LABELS, trees.predict_proba(numbers[half:]), strict=True):
            truth = written.labels[half:, LABELS.index(label)].numpy()
            score = roc_auc_score(truth, odds[:, 1])
            if modality in CARRIED_BY[label]:
                assert score > (0.8 if label in PRIVATE.values() else 0.6), (modality, label, score)
            else:
                assert abs(score - 0.5) < 0.07, (modality, label, score)  # 4 standard errors


def test_labels_follow_from_each_other(written: Songs) -> None:
    romantic, electronic, portrait, happy, danceable, tearful = written.labels.T
    assert torch.equal(danceable, electronic * happy)
    assert torch.equal(tearful, romantic * (1 - happy))
    for one in (romantic, electronic, portrait, happy):
        assert abs(float(one.mean()) - 0.5) < 0.05
    private = np.corrcoef(torch.stack([romantic, electronic, portrait, happy]).numpy())
    assert np.abs(private - np.eye(4)).max() < 0.08


def test_lyrics_are_sentences() -> None:
    song = songs(1, np.random.default_rng(0))
    the, adjective, noun, verb, again, other = text_of(song.lyrics[0].numpy()).split()[:6]
    nouns = {word for theme in NOUNS for word in theme}
    assert the == again == "the" and adjective in {*BRIGHT, *DARK} and {noun, other} <= nouns
    assert verb.endswith("s")
    assert text_of(song.captions[0].numpy()).startswith("a ")


def test_songs_are_a_function_of_the_seed() -> None:
    one, same, other = (songs(5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for a, b in zip(one.inputs, same.inputs, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.spectrograms, other.spectrograms)
    assert len(one[torch.tensor([0, 2])]) == 2
