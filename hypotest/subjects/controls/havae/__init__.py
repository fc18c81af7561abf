"""HAVAE on generated verse: which line comes next, by meaning and by rhyme.

lexicon      words with a topic and a pronunciation of their own
verse        lines, and for each two of them thirty candidates for the next
vectors      document vectors over words and over phonemes
model        HAVAE, its predecessor, and the versions that they are compared with
training     how they learn, and how well
margins      a query and its foils as a row: the network as a subject

After Liang et al., "HAVAE" (2018, doi:10.1007/978-3-319-97304-3_1) and arXiv:2103.12615, and the description of
the public code, in words and code of our own. Scaled down: 64 numbers in the place of 125, 30 candidates in the
place of 300, documents of two lines' ends in the place of whole verses, and document vectors by a decomposition
of counts in the place of trained paragraph vectors.
"""
