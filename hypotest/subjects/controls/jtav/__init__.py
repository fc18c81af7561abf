"""JTAV on generated songs: text, sound and cover, fused by outer products.

lyrics        words of songs and their captions, by a grammar
spectrograms  how songs sound
covers        how their covers look
songs         all of it, with labels: some carried by one modality, some by several
encoders      one network a modality
model         their fusion, and versions without it or without attention
training      how it learns, and how well
questions     a song and a label as a row: the network as a subject

After Liang et al. (2018), arXiv:1806.01483, and the description of its public code, in words and code of our own.
Scaled down: a tenth to a twentieth of the widths, covers of 24 x 24 pixels in the place of photographs with the
features of a pretrained network, word vectors that are learned with the rest in the place of pretrained ones.
"""
