"""Time at the edge: wall-clock milliseconds for rows, ISO text for people and logs.

Durations are measured with `time.monotonic` by whoever measures them; wall-clock differences are
only shown, never decided upon. Kept to `time` alone, because the job supervisor imports it.
"""

from __future__ import annotations

import time


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def iso(ms: int) -> str:
    """`2026-01-02T03:04:05.678Z` for milliseconds since the epoch."""
    seconds, rest = divmod(ms, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def iso_us() -> str:
    """The time of a log record, now, with microseconds: `2026-01-02T03:04:05.678901Z`."""
    seconds, rest = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:06d}Z"
