"""From a YAML file to a protocol that can be run, or to everything that is wrong with it.

    load        file -> Protocol, or all problems with line, column and key
    text        file -> text, bounded; source: text -> plain data with the place of every key
    findings    what a check finds, by the path of its key; wording: what pydantic found, in plain words
    postponed   keys of the language that are not available yet
    paths       the files that are named
    checks      what is wrong with a protocol, a file for each part: conditions, predictions, margins, rules
    built       protocols built, changed and written in Python; writing: as YAML
    schema      the language as a JSON schema
    template    protocols to begin with
    explained   a protocol in plain words
    locks       canonical forms, locks, the registry, deviations between a registration and a run

Nothing here needs the model, its libraries, or any data. What few commands use is imported from its file.
"""

from hypotest.registration.checks.validate import check_protocol
from hypotest.registration.load import load_protocol, read_protocol
from hypotest.registration.locks.canonical import canonical, protocol_hash

__all__ = [
    "canonical",
    "check_protocol",
    "load_protocol",
    "protocol_hash",
    "read_protocol",
]
