"""What to cite, as BibTeX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypotest.pages.document import Code, Heading, Part

_ENTRIES = (
    """@misc{arxiv-2509-21163,
  author = {Liu, Jing and Wang, Haozheng and Li, Yueheng},
  title  = {Distributed Specialization: Rare-Token Neurons in Large Language Models},
  year   = {2025},
  eprint = {2509.21163},
  archivePrefix = {arXiv}
}""",
    """@misc{arxiv-2505-12822,
  author = {Liu, Jing and Wang, Haozheng and Li, Yueheng},
  title  = {Emergent Specialization: Rare Token Neurons in Language Models},
  year   = {2025},
  eprint = {2505.12822},
  archivePrefix = {arXiv}
}""",
    """@article{phipson-smyth-2010,
  author  = {Phipson, Belinda and Smyth, Gordon K.},
  title   = {Permutation P-values Should Never Be Zero:
             Calculating Exact P-values When Permutations Are Randomly Drawn},
  journal = {Statistical Applications in Genetics and Molecular Biology},
  year    = {2010},
  volume  = {9},
  number  = {1},
  doi     = {10.2202/1544-6115.1585}
}""",
    """@article{besag-clifford-1991,
  author  = {Besag, Julian and Clifford, Peter},
  title   = {Sequential Monte Carlo p-values},
  journal = {Biometrika},
  year    = {1991},
  volume  = {78},
  number  = {2},
  pages   = {301--304},
  doi     = {10.1093/biomet/78.2.301}
}""",
    """@article{cameron-gelbach-miller-2011,
  author  = {Cameron, A. Colin and Gelbach, Jonah B. and Miller, Douglas L.},
  title   = {Robust Inference With Multiway Clustering},
  journal = {Journal of Business \\& Economic Statistics},
  year    = {2011},
  volume  = {29},
  number  = {2},
  pages   = {238--249},
  doi     = {10.1198/jbes.2010.07136}
}""",
    """@article{lakens-2017,
  author  = {Lakens, Dani{\\"e}l},
  title   = {Equivalence Tests: A Practical Primer for t Tests, Correlations, and Meta-Analyses},
  journal = {Social Psychological and Personality Science},
  year    = {2017},
  volume  = {8},
  number  = {4},
  pages   = {355--362},
  doi     = {10.1177/1948550617697177}
}""",
    """@book{rosenbaum-2002,
  author    = {Rosenbaum, Paul R.},
  title     = {Observational Studies},
  publisher = {Springer},
  year      = {2002},
  edition   = {2},
  doi       = {10.1007/978-1-4757-3692-2}
}""",
)


def citation_section(manifest: Mapping[str, Any]) -> Iterator[Part]:
    """The tool and every source of the methods section."""
    yield Heading("BibTeX")
    version = manifest.get("hypotest")
    known = f"\n  version = {{{version}}}," if isinstance(version, str) else ""
    title = "hypotest: preregistered hypothesis tests for what is inside a neural network"
    authors = "{The hypotest contributors}"
    tool = f"@software{{hypotest,\n  author = {{{authors}}},\n  title = {{{title}}},{known}\n}}"
    yield Code("\n\n".join((tool, *_ENTRIES)), "bibtex")
