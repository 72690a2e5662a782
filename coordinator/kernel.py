"""What the kernel says about processes: start ticks, boot, members of a group, holders of a pipe.

Light: the supervisor imports this under `python -I -S`. On Linux everything is read from /proc; a
system without it is asked through psutil or ps, which only cold paths there pay for.

Invariant: a process is never known by its pid alone. `start_ticks` is the kernel's own count and
does not move when the clock is set; `boot_id` names the boot and the pid namespace, so that a row
written before a reboot, or in another container, can never match a process of here and now.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_HAS_PROC = os.path.exists("/proc/self/stat")
_boot_id = ""


def _stat_fields(pid: int) -> list[bytes] | None:
    """The fields of /proc/<pid>/stat from `state` on, or None when there is no such process."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(fd, 4096)
    except OSError:
        return None
    finally:
        os.close(fd)
    # The command name stands in parentheses and may itself hold spaces and parentheses.
    return text[text.rfind(b")") + 2 :].split()


def start_ticks(pid: int) -> int | None:
    """When the process started, in the kernel's own units; None when it is gone or a zombie."""
    if _HAS_PROC:
        fields = _stat_fields(pid)
        if fields is None or fields[0] in (b"Z", b"X"):
            return None
        return int(fields[19])
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time() * 1_000_000)
    except psutil.Error:
        return None


def boot_id() -> str:
    """This boot and this pid namespace; equal strings mean that pids are comparable."""
    global _boot_id  # noqa: PLW0603  asked for each row; constant for the life of a process
    if not _boot_id:
        if _HAS_PROC:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                boot = file.read().strip()
            _boot_id = f"{boot}/{os.readlink('/proc/self/ns/pid')}"
        else:
            import psutil

            _boot_id = f"boot-{int(psutil.boot_time())}"
    return _boot_id


def group_members(pgid: int) -> list[int]:
    """The living (not zombie) processes of a process group."""
    if not _HAS_PROC:
        import subprocess

        listing = subprocess.run(
            ["ps", "-A", "-o", "pid=,pgid=,stat="],
            capture_output=True,
            check=False,
            timeout=10,
            text=True,
        ).stdout
        rows = (line.split() for line in listing.splitlines())
        return [int(row[0]) for row in rows if int(row[1]) == pgid and not row[2].startswith("Z")]
    members = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat_fields(int(entry))
            if fields and int(fields[2]) == pgid and fields[0] not in (b"Z", b"X"):
                members.append(int(entry))
    return members


def pipe_holders(inodes: Collection[int]) -> list[int]:
    """The other processes that have one of these pipes open; none where /proc does not tell.

    What belongs to another user cannot be seen and is left out.
    """
    wanted = {f"pipe:[{inode}]" for inode in inodes}
    me = os.getpid()
    pids = [int(entry) for entry in _entries("/proc") if entry.isdigit()] if _HAS_PROC else []
    return [pid for pid in pids if pid != me and not wanted.isdisjoint(_open_files(pid))]


def _open_files(pid: int) -> list[str]:
    folder = f"/proc/{pid}/fd"
    found = []
    for name in _entries(folder):
        try:
            found.append(os.readlink(f"{folder}/{name}"))
        except OSError:  # closed meanwhile
            continue
    return found


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the process is gone, or another user's
        return []
