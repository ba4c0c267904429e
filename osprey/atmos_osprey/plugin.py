"""What Osprey 1.1 loads by its entry point `osprey_plugin`: a labels service, a sink for effects, an input stream."""

import functools
import logging
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer
from osprey.engine.executor.execution_context import Action, ExecutionContext, ExecutionResult
from osprey.engine.language_types.effects import EffectBase
from osprey.engine.language_types.entities import EntityT
from osprey.engine.language_types.labels import LabelEffect
from osprey.engine.language_types.rules import RuleT
from osprey.engine.stdlib.udfs.rules import Rule
from osprey.worker.adaptor.plugin_manager import hookimpl_osprey
from osprey.worker.lib.config import Config
from osprey.worker.lib.osprey_shared.labels import EntityLabels
from osprey.worker.lib.storage.labels import LabelsProvider, LabelsServiceBase
from osprey.worker.lib.utils.dates import parse_go_timestamp
from osprey.worker.sinks.sink.input_stream import BaseInputStream
from osprey.worker.sinks.sink.output_sink import BaseOutputSink
from osprey.worker.sinks.utils.acking_contexts import BaseAckingContext, NoopAckingContext

from .message import did_of, encode, judged, not_judged
from .outbox import Outbox, Undelivered
from .reading import InputFailed, Unreadable, follow, read_envelope
from .rules import hash_of, load_rules
from .settings import Settings, read_settings

logger = logging.getLogger(__name__)
CONNECT_S = 20.0


class NoLabels(LabelsServiceBase):
    """Holds nothing: standing is core's, and what a rule must know of it comes with the event.

    So `HasLabel(status="added")` is always False, and `status="removed"` always True unless `manual=True`;
    `error_on_empty=True` always fails.
    """

    def read_labels(self, entity: EntityT[Any]) -> EntityLabels:
        return EntityLabels()

    @contextmanager
    def read_modify_write_labels_atomically(self, entity: EntityT[Any]) -> Generator[EntityLabels, None, None]:
        raise NotImplementedError("labels are not written here: core does it, from the effects topic")
        yield


@dataclass(kw_only=True)
class RuleHeld(EffectBase):
    """Its `rules` is the one that held. Without this a rule whose effects all failed would leave no sentence."""


@functools.cache
def note_rules_that_hold() -> None:
    """An ExecutionResult has only those rules that stand at an effect; so each says by itself that it held."""
    evaluate = Rule.execute

    @functools.wraps(evaluate)
    def execute(self: Rule, execution_context: ExecutionContext, arguments: Any) -> RuleT:
        rule = evaluate(self, execution_context, arguments)
        if rule.value:
            execution_context.add_effect(RuleHeld(rules=[rule]))
        return rule

    Rule.execute = execute


class EffectsSink(BaseOutputSink):
    """Sends one message for each action. The stream waits for the brokers, once for many."""

    def __init__(self, outbox: Outbox, rules_hash: str):
        self._outbox = outbox
        self._hash = rules_hash
        self._sent: set[int] = set()

    def will_do_work(self, result: ExecutionResult) -> bool:
        return True

    def push(self, result: ExecutionResult) -> None:
        self._send(result.action, message_of(result, self._hash))

    def answered(self, action: Action) -> None:
        """Osprey goes on after whatever failed in the engine or here; core is told that nothing was judged."""
        if action.action_id in self._sent:
            self._sent.discard(action.action_id)
            return
        logger.error("action %s was not judged", action.action_id)
        self._send(action, not_judged(action, self._hash))
        self._sent.discard(action.action_id)

    def stop(self) -> None:
        pass

    def _send(self, action: Action, message: dict[str, Any]) -> None:
        self._outbox.send(did_of(action.data) or message["action_id"], encode(message))
        self._sent.add(action.action_id)


def message_of(result: ExecutionResult, rules_hash: str) -> dict[str, Any]:
    return judged(
        result.action,
        rules_hash,
        label_effects=result.effects.get(LabelEffect, []),
        verdicts=[effect.verdict for effect in result.verdicts],
        fired=[effect.rules[0] for effect in result.effects.get(RuleHeld, [])],
        features=result.extracted_features,
    )


class EventStream(BaseInputStream[BaseAckingContext[Action]]):
    """Osprey's own Kafka stream knows neither TLS nor passwords, and commits by the clock, judged or not."""

    def __init__(self, settings: Settings, outbox: Outbox, sink: EffectsSink):
        super().__init__()
        self._settings = settings
        self._outbox = outbox
        self._sink = sink

    def _gen(self) -> Iterator[BaseAckingContext[Action]]:
        consumer = Consumer(dict(self._settings.consumer))
        consumer.subscribe([self._settings.input_topic])

        def commit() -> None:
            try:
                consumer.commit(asynchronous=False)
            except KafkaException as error:
                # Another worker has taken over: what is not committed is judged again, and nothing is lost.
                logger.warning("the place could not be committed: %s", error)

        try:
            for action in follow(
                consumer,
                self._outbox,
                read=to_action,
                answered=self._sink.answered,
                commit=commit,
                sleep=time.sleep,
            ):
                yield NoopAckingContext(action)
        except (InputFailed, Undelivered, KafkaException) as error:
            # Osprey would go on after an exception, and leave behind what the brokers do not have.
            logger.critical("the worker ends: %s", error)
            raise SystemExit(1) from error


def to_action(value: bytes | None) -> Action:
    told = read_envelope(value)
    try:
        timestamp = parse_go_timestamp(told.send_time)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"send_time is no time: {error}") from error
    return Action(action_id=told.action_id, action_name=told.action_name, data=told.data, timestamp=timestamp)


@dataclass(frozen=True)
class Parts:
    stream: EventStream
    sink: EffectsSink


@functools.cache
def parts() -> Parts:
    """Fails at the start for settings, brokers and topics that cannot be used."""
    settings = read_settings(os.environ)
    rules_hash = hash_of(load_rules(settings.rules_path))
    producer = Producer(dict(settings.producer))
    known = producer.list_topics(timeout=CONNECT_S).topics
    for topic in (settings.input_topic, settings.effects_topic):
        if topic not in known:
            raise RuntimeError(f"the brokers have no topic {topic}, or do not show it to this user")
    outbox = Outbox(producer, settings.effects_topic)
    sink = EffectsSink(outbox, rules_hash)
    logger.info("rules %s, from %s to %s", rules_hash, settings.input_topic, settings.effects_topic)
    return Parts(EventStream(settings, outbox, sink), sink)


# Before other plugins: Osprey takes the first answer to each of these.


@hookimpl_osprey(tryfirst=True)
def register_labels_service_or_provider(config: Config) -> LabelsServiceBase:
    return NoLabels()


@hookimpl_osprey(tryfirst=True)
def register_input_stream(config: Config) -> BaseInputStream[BaseAckingContext[Action]]:
    note_rules_that_hold()
    return parts().stream


@hookimpl_osprey(tryfirst=True)
def register_label_output_sink(config: Config, labels_provider: LabelsProvider) -> BaseOutputSink:
    """In the place of the sink that would write labels to the labels service."""
    return parts().sink
