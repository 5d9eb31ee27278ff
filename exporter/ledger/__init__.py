"""The ledger: what one instance's answers amount to, counted once and forward only (contract 7).

`account` holds the rules; `known` the memory of messages, `sightings` what an answer changes in it, `order` how far a
message has come, `latency` between which moments, `totals` the numbers, `window` what one answer shows by itself.
All of it is pure: rows and times in, numbers out.
"""

from .account import Account, Answer, Changes, Scalars, Unlisted
from .known import Known, Message
from .sightings import KeyOf
from .totals import Snapshot

__all__ = ["Account", "Answer", "Changes", "KeyOf", "Known", "Message", "Scalars", "Snapshot", "Unlisted"]
