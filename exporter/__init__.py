"""greenapi-exporter: a Prometheus exporter for GREEN-API's journal of sent messages.

Owns the version; imports nothing.
"""

__version__ = "0.1.0"
