"""Which token the blocks of a protocol's text begin with."""

from __future__ import annotations

from hypotest.errors import CorpusError, SubjectError
from hypotest.pipeline.texts.reader import TextReader
from hypotest.records.protocol.protocol import Protocol

FORCE = "With force=True the run goes on nevertheless"


def first_token(protocol: Protocol, reader: TextReader) -> int | None:
    """Token id that every block begins with; None for none.

    Args:
        protocol: A valid protocol.
        reader: The subject, or its tokenizer.

    Raises:
        CorpusError: If a beginning-of-sequence token is asked for and there is none.
        SubjectError: If the tokenizer puts several tokens before a text.
    """
    if protocol.bos is False:
        return None
    beginning = reader.beginning
    if protocol.bos == "auto":
        return beginning.by_itself
    if beginning.token is None:
        raise CorpusError(
            f"{_key(protocol)}: found true, and the tokenizer of {reader.name} has no beginning-of-sequence "
            "token; "
            "write auto or false"
        )
    return beginning.token


def _key(protocol: Protocol) -> str:
    return "examples.bos" if protocol.examples else "corpus.bos"


def require_beginning(protocol: Protocol, reader: TextReader) -> None:
    """Refuse to leave the token out where a family breaks without it.

    Raises:
        SubjectError: If so.
    """
    if first_token(protocol, reader) is None and reader.beginning.is_needed:
        reason = "found false" if protocol.bos is False else "its tokenizer puts none before a text"
        raise SubjectError(
            f"{_key(protocol)}: {reason}, and models of the family of {reader.name} are others without their "
            f"beginning-of-sequence token: their loss rises by nats. Write true. {FORCE}"
        )
