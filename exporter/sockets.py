"""Listening sockets for the addresses of the command line."""

from __future__ import annotations

import errno
import socket

from .flags import Address

_BACKLOG = 1024
_REASONS = {
    errno.EADDRINUSE: "the port is taken by another program",
    errno.EACCES: "ports below 1024 need more rights",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


class CannotListen(Exception):
    """The sentence says where, why and what to do."""


def listen(address: Address) -> socket.socket:
    """A listening socket; without a host it takes IPv4 and, where the machine has it, IPv6. Raises CannotListen."""
    try:
        if address.host:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", address.port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True
            )
        return socket.create_server(("", address.port), backlog=_BACKLOG)
    except OSError as error:  # gaierror, an unknown host, is one too
        reason = _REASONS.get(error.errno or 0, error.strerror or "not possible")
        raise CannotListen(
            f"cannot listen on {address}: {reason}; choose another address with --web.listen-address"
        ) from None


def bound_to(listener: socket.socket, address: Address) -> Address:
    """The address with the port it really has."""
    return Address(address.host, listener.getsockname()[1])
