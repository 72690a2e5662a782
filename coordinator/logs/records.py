"""The format of a job's log: names, limits, and how one record becomes one line and back.

Pure: values in, text out. A record is one line of ASCII JSON:

    {"seq":1,"ts":"2026-01-02T03:04:05.678901Z","kind":"stdout","data":"hello"}

`kind` is `stdout`, `stderr` or `status`. `seq` grows strictly within a log. Bytes that are not
UTF-8 stand in `b64` instead of `data`. A source line of more than `PIECE_LIMIT` bytes becomes
several records, each but the last with `"more":true`; a last line without a newline has
`"nonl":true`. A status record names its `status`, has further fields of its own, and a `data` text
for people. A log ends with one of the `TERMINAL` statuses; `ROW_STATUS` says which status of the
job's row each of them goes with.

Invariants: every line begins with `{"seq":N,` (so that `seq_of` need not parse it) and contains no
raw control character; decoding a record gives exactly the bytes that were encoded. The job
supervisor imports this module, so encoding uses C helpers only; decoding alone imports json.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

try:
    from _json import encode_basestring_ascii as quote
except ImportError:  # a Python without the C accelerator
    from json.encoder import py_encode_basestring_ascii as quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

STDOUT = "stdout"
STDERR = "stderr"
STATUS = "status"

STARTED = "started"
TRUNCATED = "truncated"
FINISHED = "finished"
SIGNALED = "signaled"
TIMED_OUT = "timed_out"
CANCELLED = "cancelled"
CRASHED = "crashed"

ROW_STATUS = {
    FINISHED: ("succeeded", "failed"),  # by exit code: zero, anything else
    SIGNALED: ("failed", "failed"),
    TIMED_OUT: ("timed_out", "timed_out"),
    CANCELLED: ("cancelled", "cancelled"),
    CRASHED: ("crashed", "crashed"),
}
"""The last status of a log → the status of the job's row, with exit code zero and otherwise."""

TERMINAL = frozenset(ROW_STATUS)
RESERVED = frozenset({"seq", "ts", "kind", "data", "b64", "more", "nonl", "status"})
"""The format's own field names; a status record's further fields have other ones."""

PIECE_LIMIT = 64 * 1024
"""How many bytes of a source line one record holds at most."""

_MAX_SEQ = 2**63
_CONSTANTS = {None: "null", True: "true", False: "false"}


def row_status(status: str, exit_code: int | None) -> str:
    """The row's status for a log that ends with `status`; KeyError unless it is terminal."""
    succeeded, otherwise = ROW_STATUS[status]
    return succeeded if exit_code == 0 else otherwise


def encode_record(
    seq: int, ts: str, kind: str, raw: bytes, *, more: bool = False, nonl: bool = False
) -> str:
    """The line, newline included, for one piece of output."""
    tail = (',"more":true' if more else "") + (',"nonl":true' if nonl else "")
    return f'{{"seq":{seq},"ts":"{ts}","kind":"{kind}",{_body(raw)}{tail}}}\n'


def encode_lines(seqs: Iterable[int], ts: str, kind: str, lines: list[bytes]) -> list[str]:
    """`encode_record` for many whole source lines at once; this is where a log's time goes."""
    try:
        texts = b"\n".join(lines).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        bodies = map(_body, lines)
        middle = f',"ts":"{ts}","kind":"{kind}",'
        return [f'{{"seq":{seq}{middle}{body}}}\n' for seq, body in zip(seqs, bodies, strict=True)]
    middle = f',"ts":"{ts}","kind":"{kind}","data":'
    quoted = map(quote, texts)
    return [f'{{"seq":{seq}{middle}{data}}}\n' for seq, data in zip(seqs, quoted, strict=True)]


def _body(raw: bytes) -> str:
    try:
        return f'"data":{quote(raw.decode("utf-8"))}'
    except UnicodeDecodeError:
        return f'"b64":"{b2a_base64(raw, newline=False).decode("ascii")}"'


def encode_status(
    seq: int,
    ts: str,
    status: str,
    data: str,
    fields: Mapping[str, object],
    mask: Callable[[str], str] = str,
) -> str:
    """The line of a status record; every text in it but the status itself passes `mask`.

    Fields are None, booleans, numbers, texts, and lists, tuples and mappings of them.
    """
    if not RESERVED.isdisjoint(fields):
        raise ValueError(f"fields of the record format: {sorted(RESERVED.intersection(fields))}")
    head = f'{{"seq":{seq},"ts":"{ts}","kind":"{STATUS}","data":{quote(mask(data))}'
    more = "".join(f",{quote(name)}:{_encode(value, mask)}" for name, value in fields.items())
    return f'{head},"status":{quote(status)}{more}}}\n'


def _encode(value: object, mask: Callable[[str], str]) -> str:
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, str):
        return quote(mask(value))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value - value != 0:
            raise ValueError(f"JSON has no number {value}")
        return float.__repr__(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(_encode(item, mask) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{quote(str(name))}:{_encode(item, mask)}" for name, item in value.items())
        return f"{{{','.join(pairs)}}}"
    raise TypeError(f"a status field cannot hold {type(value).__name__}")


def encode_truncated(seq: int, ts: str, *, lines: int, size: int) -> str:
    """The record that stands where `lines` source lines of `size` bytes are not in the log."""
    text = f"{lines} lines ({size} bytes) are missing here: the log reached its size limit"
    return encode_status(seq, ts, TRUNCATED, text, {"lines": lines, "bytes": size})


def seq_of(line: bytes) -> int | None:
    """The `seq` that a line begins with, without parsing the rest; it may be a torn line's."""
    if not line.startswith(b'{"seq":'):
        return None
    digits = line[7 : line.find(b",", 7)] if b"," in line else b""
    return int(digits) if digits.isdigit() and len(digits) < 20 else None


def decode_record(line: bytes) -> dict[str, object] | None:
    """The object a line holds, checked as far as every reader relies on it; None for garbage.

    `seq` is a positive integer, `kind` and `ts` are texts, `data` (if any) is a text, `b64` (if
    any) is valid, and a status record has a text `status`.
    """
    import json

    try:
        record = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and _well_formed(record) else None


def _well_formed(record: dict[str, object]) -> bool:
    seq = record.get("seq")
    if type(seq) is not int or not 0 < seq < _MAX_SEQ:
        return False
    texts = [record.get("kind"), record.get("ts"), record.get("data", ""), record.get("b64", "")]
    if record.get("kind") == STATUS:
        texts.append(record.get("status"))
    return all(isinstance(text, str) for text in texts) and decoded_b64(record) is not None


def decoded_b64(record: Mapping[str, object]) -> bytes | None:
    """The bytes in a record's `b64`, empty without one; None if it is not base64."""
    try:
        return a2b_base64(str(record.get("b64", "")), strict_mode=True)
    except (Base64Error, ValueError):
        return None
