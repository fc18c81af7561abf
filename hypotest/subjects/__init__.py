"""Networks under test, of many families, looked at in one way.

MKL, torch's BLAS on Intel-compatible processors, divides long sums among threads and by the shape of a
product; ``MKL_CBWR=AUTO,STRICT`` has it take every sum in one order instead. What is collected then depends
neither on the number of threads nor on which rows and neurons are collected together, at no measurable cost.
MKL reads the variable at its first product, so it is set before torch is imported here; a value that is
there already stays, and where something else has multiplied before, sums are as they always were.
"""

import os

os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
