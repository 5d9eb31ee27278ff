"""Who may come in: TLS, client certificates and passwords, by a web configuration file like other exporters have.

The file's format is exporter-toolkit's: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
"""

from __future__ import annotations

from .current import Access, read
from .guard import guard
from .passwords import Passwords
from .records import OPEN, WebConfig

__all__ = ["OPEN", "Access", "Passwords", "WebConfig", "guard", "read"]
