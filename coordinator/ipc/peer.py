"""Who is at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct

_MACOS_LOCAL_PEERCRED = 1


def peer_uid(connection: socket.socket) -> int:
    """The effective user id of the process that connected, as the kernel noted it."""
    if hasattr(socket, "SO_PEERCRED"):
        size = struct.calcsize("3i")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", credentials)[1])
    # struct xucred: u_int version, uid_t uid, short ngroups, gid_t groups[16]
    credentials = connection.getsockopt(0, _MACOS_LOCAL_PEERCRED, 76)
    return int(struct.unpack_from("2I", credentials)[1])
