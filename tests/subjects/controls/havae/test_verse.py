"""Generated verse: what rhymes, what fits, and that neither feature tells the true line alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from hypotest.subjects.controls.havae.lexicon import (
    N_ENDINGS,
    N_STEMS,
    PHONEMES,
    RIMES,
    STEMS_EACH,
    TOPICS,
    Lexicon,
    lexicon,
)
from hypotest.subjects.controls.havae.verse import (
    FITS,
    KINDS,
    NEITHER,
    RHYMES,
    SCHEMES,
    TRUE,
    Queries,
    differing,
    line_of,
    queries,
)


@pytest.fixture(scope="module")
def words() -> Lexicon:
    return lexicon(np.random.default_rng(1))


@pytest.fixture(scope="module")
def verses() -> Queries:
    return queries(600, np.random.default_rng(2))


def rime(words: Lexicon, lines: np.ndarray) -> np.ndarray:
    """How lines end, from their pronunciation alone."""
    sounds = words.endings[lines[..., -1] % N_ENDINGS]
    return sounds[..., 1] * len(PHONEMES) + sounds[..., 2]


def topic(lines: np.ndarray) -> np.ndarray:
    """Of the word that a line ends with."""
    return lines[..., -1] // N_ENDINGS // STEMS_EACH


def test_words_are_stems_and_endings_that_rhyme(words: Lexicon) -> None:
    spellings = {words.spelling(word) for word in range(N_STEMS * N_ENDINGS)}
    assert len(spellings) == N_STEMS * N_ENDINGS
    for number, ending in enumerate(words.endings.tolist()):
        vowel, coda = RIMES[number // (N_ENDINGS // len(RIMES))]
        assert [PHONEMES[sound] for sound in ending[1:]] == [vowel, coda]
        assert words.spelling(7 * N_ENDINGS + number).endswith(vowel + coda)


def test_next_lines_rhyme_by_the_scheme(words: Lexicon, verses: Queries) -> None:
    true = rime(words, verses.candidates[:, 0])
    current = rime(words, verses.current) == true
    previous = rime(words, verses.previous) == true
    for scheme, expected in zip(SCHEMES, ((True, False), (False, True), (True, True)), strict=True):
        own = verses.scheme == SCHEMES.index(scheme)
        assert own.sum() > 150
        assert (current[own] == expected[0]).all() and (previous[own] == expected[1]).all()


def test_foils_are_of_their_kind(words: Lexicon, verses: Queries) -> None:
    ends = rime(words, verses.candidates)
    with_true = ends == ends[:, :1]
    with_any = (ends == rime(words, verses.current)[:, None]) | (
        ends == rime(words, verses.previous)[:, None]
    )
    about = topic(verses.candidates) == topic(verses.current)[:, None]
    for kind, rhymes, fits in (
        (TRUE, True, True),
        (RHYMES, True, False),
        (FITS, False, True),
        (NEITHER, False, False),
    ):
        own = kind == KINDS
        assert (with_true[:, own] == rhymes).all() and (about[:, own] == fits).all()
        if not rhymes:
            assert not with_any[:, own].any()
    assert np.bincount(KINDS).tolist() == [1, 8, 8, 13]


def test_neither_feature_alone_tells_the_true_line(words: Lexicon, verses: Queries) -> None:
    ends = rime(words, verses.candidates)
    rhyming = (ends == ends[:, :1]).sum(axis=1)
    fitting = (topic(verses.candidates) == topic(verses.current)[:, None]).sum(axis=1)
    assert (rhyming == 9).all() and (fitting == 9).all()
    both = (ends == ends[:, :1]) & (topic(verses.candidates) == topic(verses.current)[:, None])
    assert (both.sum(axis=1) == 1).all()


def test_lines_are_five_words(words: Lexicon, verses: Queries) -> None:
    assert verses.candidates.shape == (600, 30, 5)
    line = line_of(verses.current[0], words).split()
    assert len(line) == 5 and all(len(word) == 6 for word in line)
    particle = verses.current // N_ENDINGS >= TOPICS * STEMS_EACH
    assert (particle == [True, False, True, False, False]).all()


def test_what_a_line_is_about_says_nothing_of_how_it_ends(words: Lexicon) -> None:
    lines = queries(6000, np.random.default_rng(3)).candidates[:, 0]
    table = np.histogram2d(topic(lines), lines[:, -1] % N_ENDINGS, bins=(TOPICS, N_ENDINGS))[0]
    assert chi2_contingency(table).pvalue > 1e-3


def test_foils_that_share_a_feature_share_it_exactly(words: Lexicon, verses: Queries) -> None:
    in_prosody = np.arange(600) % 3 == 0
    alike = differing(verses, in_prosody, 5, np.random.default_rng(4)).candidates
    true, foils = alike[:, :1], alike[:, 1:]
    assert foils.shape == (600, 5, 5) and np.array_equal(alike[:, 0], verses.candidates[:, 0])
    same_stems, same_endings = true // N_ENDINGS == foils // N_ENDINGS, true % N_ENDINGS == foils % N_ENDINGS
    assert same_stems[in_prosody].all() and same_endings[~in_prosody].all()
    assert same_endings[in_prosody][..., :4].all() and same_stems[~in_prosody][..., [0, 2]].all()
    ends = rime(words, foils)
    for line in (verses.current, verses.previous):
        assert (ends != rime(words, line)[:, None])[in_prosody].all()
    assert (topic(foils) != topic(true))[~in_prosody].all()
