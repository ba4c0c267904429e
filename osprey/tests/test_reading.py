import json
import unittest
from types import SimpleNamespace as Thing

from atmos_osprey.outbox import Outbox, Undelivered
from atmos_osprey.reading import InputFailed, Unreadable, follow, read_envelope

INNER = {"action_id": "1456255638429499392", "action_name": "member_joined", "data": {"member": {}}}


def envelope(**changes):
    return {"send_time": "2026-01-01T12:00:00.123456Z", "data": {**INNER, **changes}}


class Reading(unittest.TestCase):
    def test_envelope(self):
        told = read_envelope(json.dumps(envelope()).encode())
        self.assertEqual((told.action_id, told.action_name), (1456255638429499392, "member_joined"))
        self.assertEqual(read_envelope(json.dumps(envelope(action_id=7)).encode()).action_id, 7)

    def test_unreadable(self):
        cases = [
            (None, "not JSON"),
            (b"", "not JSON"),
            (b"\xff", "not JSON"),
            (b'{"data": NaN}', "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[]", "no data"),
            (b'{"data": []}', "no data"),
            (envelope(action_id=None), "no number"),
            (envelope(action_id=True), "no number"),
            (envelope(action_id=1.5), "no number"),
            (envelope(action_id="x1"), "no number"),
            (envelope(action_id="٣"), "no number"),
            (envelope(action_id="9" * 30), "no number"),
            (envelope(action_id="0"), "out of range"),
            (envelope(action_id=2**63), "out of range"),
            (envelope(action_name=""), "action_name"),
            (envelope(action_name=5), "action_name"),
            (envelope(data="text"), "inner data"),
            ({"data": INNER}, "send_time"),
        ]
        for given, expected in cases:
            value = json.dumps(given).encode() if isinstance(given, dict) else given
            with self.subTest(expected, given=str(given)[:60]), self.assertRaisesRegex(Unreadable, expected):
                read_envelope(value)


class Record:
    def __init__(self, value, error=None):
        self._value, self._error = value, error

    value = lambda self: self._value
    error = lambda self: self._error
    topic = lambda self: "in"
    partition = lambda self: 0
    offset = lambda self: 5


class Brokers:
    """A consumer, and a producer, that note what happens in which order."""

    def __init__(self, batches, refused=None, stuck=0):
        self.log, self._batches, self._refused, self._stuck = [], list(batches), refused, stuck
        self._waiting = []

    def consume(self, _count, timeout):
        if not self._batches:
            raise StopAsyncIteration
        return self._batches.pop(0)

    def produce(self, topic, *, key, value, headers, on_delivery):
        self.log.append(f"send {value}")
        self.sent = (topic, key, headers)
        self._waiting.append(on_delivery)

    def flush(self, _patience):
        self.log.append("flush")
        for told in self._waiting:
            told(self._refused, None)
        self._waiting = []
        return self._stuck

    def run(self, read=lambda value: value, silent=()):
        outbox = Outbox(self, "effects")
        note = self.log.append
        actions = follow(
            self,
            outbox,
            read=read,
            answered=lambda action: note(f"answered {action}"),
            commit=lambda: note("commit"),
            sleep=lambda _seconds: note("sleep"),
        )
        try:
            for action in actions:
                if action not in silent:
                    outbox.send("k", action)
        except StopAsyncIteration:
            pass
        except RuntimeError as error:
            if not isinstance(error.__cause__, StopAsyncIteration):
                raise
        return self.log


def batch(*values):
    return [Record(value) for value in values]


class Following(unittest.TestCase):
    def test_the_place_is_committed_after_the_answers(self):
        told = Brokers([batch("a", "b"), [], batch("c")]).run()
        self.assertEqual(
            told,
            ["send a", "answered a", "send b", "answered b", "flush", "commit"]
            + ["sleep", "send c", "answered c", "flush", "commit"],
        )

    def test_what_nobody_can_read_is_passed_over(self):
        def read(value):
            if value == "bad":
                raise Unreadable("bad")
            return value

        with self.assertLogs("atmos_osprey.reading", "ERROR") as logged:
            told = Brokers([batch("bad", "a")]).run(read)
        self.assertEqual(told, ["send a", "answered a", "flush", "commit"])
        self.assertIn("in/0@5", logged.output[0])

    def test_an_answer_that_was_not_taken_ends_all_and_commits_nothing(self):
        for brokers in (Brokers([batch("a")], refused="too large"), Brokers([batch("a")], stuck=1)):
            with self.assertRaises(Undelivered):
                brokers.run()
            self.assertNotIn("commit", brokers.log)

    def test_a_failure_of_the_input_ends_all_and_commits_nothing(self):
        brokers = Brokers([[Record("a"), Record(None, error="no topic")]])
        with self.assertRaisesRegex(InputFailed, "no topic"):
            brokers.run()
        self.assertNotIn("commit", brokers.log)

    def test_what_a_message_carries(self):
        brokers = Brokers([batch("a")])
        brokers.run()
        self.assertEqual(brokers.sent, ("effects", "k", [("atmos-schema", b"1")]))
