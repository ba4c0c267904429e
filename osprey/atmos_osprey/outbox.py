"""Messages on their way to the effects topic."""

from typing import Any

from .message import SCHEMA

HEADERS = [("atmos-schema", str(SCHEMA).encode())]
# Longer than the producer tries, so that each message is delivered or refused by then.
PATIENCE_S = 40.0


class Undelivered(Exception):
    """The brokers do not have what was sent."""


class Outbox:
    """`producer` is one of confluent_kafka."""

    def __init__(self, producer: Any, topic: str):
        self._producer = producer
        self._topic = topic
        self._failure: Any = None

    def send(self, key: str, value: bytes) -> None:
        self._producer.produce(self._topic, key=key, value=value, headers=HEADERS, on_delivery=self._on_delivery)

    def settle(self) -> None:
        """Returns when the brokers in sync have all that was sent. Raises `Undelivered`."""
        waiting = self._producer.flush(PATIENCE_S)
        if self._failure is not None or waiting:
            raise Undelivered(f"{self._topic}: {self._failure or f'{waiting} messages wait'}")

    def _on_delivery(self, failure: Any, _message: Any) -> None:
        self._failure = self._failure or failure
