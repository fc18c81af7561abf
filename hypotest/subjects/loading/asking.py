"""Asking the Hugging Face Hub at which commit a repository stands."""

from __future__ import annotations

from hypotest.records.stored.hub import HubAnswer, Kind

TIMEOUT = 10.0
"""Seconds to wait for the Hub before it counts as out of reach."""
_WORDS: dict[Kind, str] = {"model": "model", "dataset": "data set"}


def ask_hub(kind: Kind, name: str, revision: str | None) -> HubAnswer:
    """Ask the Hub for the commit of a repository: once, so that a missing network is known at once.

    Clients that ask for files repeat the question for half a minute, file by file.

    Args:
        kind: Of the repository.
        name: Its id, as `is_hub_name` wants it.
        revision: Branch, tag or commit; None for the main branch.
    """
    from huggingface_hub import HfApi, constants  # heavier than the rest of the records together
    from huggingface_hub.errors import OfflineModeIsEnabled, RepositoryNotFoundError, RevisionNotFoundError

    api = HfApi()
    try:
        if kind == "model":
            commit = api.model_info(name, revision=revision, timeout=TIMEOUT).sha
        else:
            commit = api.dataset_info(name, revision=revision, timeout=TIMEOUT).sha
    except OfflineModeIsEnabled:
        return HubAnswer(None, "the Hub was not asked, since HF_HUB_OFFLINE is set", reached=False)
    except RevisionNotFoundError:
        return HubAnswer(
            None, f"the Hub has the {_WORDS[kind]}, but no revision {revision or 'main'!r} of it"
        )
    except RepositoryNotFoundError:
        return HubAnswer(
            None,
            f"the Hub has no {_WORDS[kind]} of that name, or it is private: check the name, or log in with "
            "`hf auth login`",
        )
    except Exception as error:  # of the network, the proxy, the server or its answer: anything may happen
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return HubAnswer(None, f"the Hub ({constants.ENDPOINT}) did not answer: {reason:.200}", reached=False)
    return HubAnswer(commit, "" if commit else "the Hub named no commit")
