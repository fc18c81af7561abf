"""From a protocol to its verdict: ``run`` is the whole way, ``analysis`` the part behind the evidence."""
