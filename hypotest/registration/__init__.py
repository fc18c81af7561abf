"""From a YAML file to a protocol that can be run, or to everything that is wrong with it.

    load        file -> Protocol, or all problems with line, column and key
    text        file -> text, bounded
    source      text -> plain data with the place of every key
    wording     what pydantic found, in plain words
    postponed   keys of the language that are not available yet
    validate    checks that span several keys; predictions: those of a single prediction;
                multiverse: those of declared alternatives; sufficiency: enough draws and documents?
    paths       checks of the files that are named; configuration: of the network's layers and context
    findings    what a check finds, by the path of its key
    built       protocols built, changed and written in Python; writing: as YAML
    canonical   one form and one hash for each plan
    schema      the language as a JSON schema
    template    protocols to begin with
    outcomes    which outcomes a prediction can have, and which could refute a hypothesis
    explain     a protocol in plain words; steps: what will be done; meanings: its measures, contrasts and
                margins; lines: the paragraphs
    lock        what a registration holds, as a file beside the protocol
    registry    the chain of all registrations in a folder of protocols
    claims      what a paper says it found, as a file
    deviations  what differs between a registration and a run; effects: what each can have changed
    later       registrations whose network comes later
    repository  what git knows of a protocol

Nothing here needs the model, its libraries, or any data.
"""

from hypotest.registration.canonical import canonical, protocol_hash
from hypotest.registration.explain import explain_protocol
from hypotest.registration.lines import Line, Section
from hypotest.registration.load import load_protocol, read_protocol
from hypotest.registration.schema import schema
from hypotest.registration.template import Started, schema_text, start_protocol, template_names
from hypotest.registration.validate import check_protocol

__all__ = [
    "Line",
    "Section",
    "Started",
    "canonical",
    "check_protocol",
    "explain_protocol",
    "load_protocol",
    "protocol_hash",
    "read_protocol",
    "schema",
    "schema_text",
    "start_protocol",
    "template_names",
]
