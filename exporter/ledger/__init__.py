"""The ledger: what one instance's answers amount to, counted once and forward only.

`account` is the whole; `counting` holds the rules, `known` the memory of messages, `sightings` what an answer changes
in it, `order` how far a message has come, `latency` between which moments, `totals` the numbers, `vocabulary` the
words that were met, `window` what one answer shows by itself.
All of it is pure: rows and times in, numbers out. The rules in words: docs/counting.md.
"""

from .account import Account, Changes, Scalars
from .counting import Answer
from .known import Known, Message
from .sightings import KeyOf
from .totals import Snapshot
from .vocabulary import Unlisted
from .window import Window

__all__ = ["Account", "Answer", "Changes", "KeyOf", "Known", "Message", "Scalars", "Snapshot", "Unlisted", "Window"]
