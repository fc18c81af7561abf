"""Records: the data that flows, and nothing else.

protocol    what a protocol says
evidence    what was measured
results     what a run found
stored      files and folders: written whole, read back, known by their hash
"""
