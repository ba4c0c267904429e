"""Actions from the input topic, each committed only after its answer is with the brokers."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from .outbox import Outbox

logger = logging.getLogger(__name__)

AT_ONCE = 200
IDLE_S = 0.02
MAX_ID = 2**63 - 1

ActionT = TypeVar("ActionT")


class Unreadable(ValueError):
    """What came is no envelope."""


class InputFailed(Exception):
    """The brokers give nothing more."""


@dataclass(frozen=True)
class Envelope:
    action_id: int
    action_name: str
    data: dict[str, Any]
    send_time: str


def read_envelope(value: bytes | None) -> Envelope:
    """Raises `Unreadable`."""
    try:
        envelope = json.loads(value or b"", parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    told = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(told, dict):
        raise Unreadable("no data")
    action_id, name, data = told.get("action_id"), told.get("action_name"), told.get("data")
    is_text = isinstance(action_id, str) and 0 < len(action_id) < 20 and action_id.isascii() and action_id.isdigit()
    if not is_text and type(action_id) is not int:
        raise Unreadable("action_id is no number")
    if not 0 < int(action_id) <= MAX_ID:
        raise Unreadable("action_id is out of range")
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise Unreadable("action_name is no name")
    if not isinstance(data, dict):
        raise Unreadable("the inner data is no object")
    if not isinstance(envelope.get("send_time"), str):
        raise Unreadable("send_time is missing")
    return Envelope(int(action_id), name, data, envelope["send_time"])


def follow(
    consumer: Any,
    outbox: Outbox,
    *,
    read: Callable[[bytes | None], ActionT],
    answered: Callable[[ActionT], None],
    commit: Callable[[], None],
    sleep: Callable[[float], None],
) -> Iterator[ActionT]:
    """Gives actions in order, for as long as the process lives. What it gave is judged when it is asked for the next.

    `read` may raise `Unreadable`: what nobody can read is logged and passed over. `answered` sees to it that
    something was sent about the action. After each batch: first the answers, then the place.
    """
    while True:
        records = consumer.consume(AT_ONCE, timeout=0)
        if not records:
            # Whatever else runs in the worker has its turn.
            sleep(IDLE_S)
            continue
        for record in records:
            if record.error() is not None:
                raise InputFailed(str(record.error()))
            try:
                action = read(record.value())
            except Unreadable as error:
                place = f"{record.topic()}/{record.partition()}@{record.offset()}"
                logger.error("passed over %s, which is no envelope: %s", place, error)
                continue
            yield action
            answered(action)
        outbox.settle()
        commit()


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
