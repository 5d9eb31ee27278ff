"""The exception families. Each carries data; none carries a URL, a token or an answer's content.

A failure of the service is data: it becomes an `Outcome` and a pause. A mistake of the user is a complaint.
Anything else that is raised in this program is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from .model import Complaint, Outcome


class CallFailed(Exception):
    """One API call did not give a usable answer.

    `outcome` is the label it is counted under, `detail` a short sentence of our own words (never the service's,
    which may quote phone numbers), `retry_after` the seconds the service asked us to wait, if it did.
    """

    def __init__(self, outcome: Outcome, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.retry_after = retry_after


class AnswerUnusable(Exception):
    """A body that arrived whole but is not what the method answers: `outcome` is `malformed` or `refused`."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


class ConfigInvalid(Exception):
    """The configuration cannot be used; `complaints` are all that is wrong with it, in the order of the file."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__(f"{len(complaints)} complaint(s)")
        self.complaints = complaints


class StoreUnusable(Exception):
    """The state file cannot be opened: the sentence says which, why, and what to do. Ends the start, not a scrape."""


class CommitFailed(Exception):
    """A commit did not reach the disk. Nothing of it is shown; the changes are kept and offered again."""
