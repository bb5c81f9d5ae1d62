"""The port that the web server listens on: found free, and held, before the web server starts."""
from __future__ import annotations

import socket


class PortTaken(Exception):
    """The web server cannot listen at the address that the settings name."""


def reserve(host: str, port: int) -> socket.socket:
    """Hold the port for this program without listening; 0 takes a free one. Raises PortTaken.

    Granian's workers bind with SO_REUSEPORT, and the kernel would let a second hub share the port without a word. This socket is bound
    without the option, which fails while anybody listens, and gets it afterwards, which lets the workers in.
    """
    family, address = resolve(host, port)
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((address, port))
    except OSError as error:
        held.close()
        raise PortTaken(f"cannot listen on {host} port {port}: {error.strerror}") from error
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """The address of a host name, which granian does not look up. Raises PortTaken."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise PortTaken(f"{host} is no address of this machine: {error.strerror}") from error
    return family, str(address[0])
