import json
import unittest
from datetime import timedelta
from enum import IntEnum
from types import SimpleNamespace as Thing

from atmos_osprey.message import did_of, encode, judged, not_judged, plain

# As Osprey has them.
Status = IntEnum("Status", {"REMOVED": 0, "ADDED": 1})
ACTION = Thing(action_id=1456255638429499392, action_name="domain_checked", data={"member": {"did": "did:plc:one"}})


def rule(name, value=True, description="Yes.", **features):
    return Thing(name=name, value=value, description=description, features=features)


def label(**changes):
    usual = {
        "entity": Thing(type="Member", id="did:plc:one"),
        "name": "seen",
        "status": Status.ADDED,
        "rules": [rule("Seen")],
        "expires_after": None,
        "delay_action_by": None,
        "dependent_rule": None,
        "suppressed": False,
    }
    return Thing(**{**usual, **changes})


def message(*label_effects, fired=(), features=None, verdicts=()):
    return judged(
        ACTION,
        "abc",
        label_effects=label_effects,
        verdicts=verdicts,
        fired=fired,
        features={"__error_count": 0, **(features or {})},
    )


class Message(unittest.TestCase):
    def test_an_action_without_effects_yields_a_message(self):
        self.assertEqual(
            message(),
            {
                "schema": 1,
                "engine": "osprey",
                "action_id": "1456255638429499392",
                "action_name": "domain_checked",
                "did": "did:plc:one",
                "rules_hash": "abc",
                "judged": True,
                "effects": [],
                "declared": [],
                "fired": [],
                "features": {},
                "error_count": 0,
            },
        )

    def test_one_that_was_not_judged_has_nothing_to_follow(self):
        told = not_judged(ACTION, "abc")
        self.assertIs(told["judged"], False)
        self.assertEqual((told["effects"], told["declared"], told["fired"], told["error_count"]), ([], [], [], 1))
        self.assertEqual(set(told), set(message()))

    def test_effects(self):
        usual = {
            "entity_type": "Member",
            "entity_id": "did:plc:one",
            "label": "seen",
            "status": "added",
            "rules": ["Seen"],
        }
        held, failed = rule("Gate"), rule("Gate", value=False)
        cases = [
            ("plain", label(), [usual]),
            ("removed", label(status=Status.REMOVED), [{**usual, "status": "removed"}]),
            ("a number as id", label(entity=Thing(type="Case", id=2**60)), [
                {**usual, "entity_type": "Case", "entity_id": "1152921504606846976"}
            ]),
            ("a week", label(expires_after=timedelta(days=7)), [{**usual, "expires_after_ms": 604_800_000}]),
            ("half a millisecond", label(expires_after=timedelta(microseconds=500)), [
                {**usual, "expires_after_ms": 0.5}
            ]),
            ("at once", label(expires_after=timedelta(0)), [{**usual, "expires_after_ms": 0}]),
            ("later", label(delay_action_by=timedelta(seconds=2)), [{**usual, "delay_action_by_ms": 2000}]),
            ("the gate held", label(dependent_rule=held), [{**usual, "apply_if": "Gate"}]),
            ("the gate did not", label(dependent_rule=failed), []),
            ("the gate failed", label(suppressed=True), []),
            ("two rules, as they stand", label(rules=[rule("Z"), rule("A")]), [{**usual, "rules": ["Z", "A"]}]),
        ]
        for name, effect, expected in cases:
            with self.subTest(name):
                self.assertEqual(message(effect)["effects"], expected)

    def test_rules_that_held(self):
        told = message(
            fired=[
                rule("Z", description="{Count} of {{ten}}: {What}", Count="3", What="{Count}"),
                rule("A", description="{as it is}"),
            ]
        )
        self.assertEqual(
            told["fired"],
            [{"rule": "A", "description": "{as it is}"}, {"rule": "Z", "description": "3 of {ten}: {Count}"}],
        )

    def test_features(self):
        cases = [
            (None, None),
            (True, True),
            (5, 5),
            (2**53 - 1, 2**53 - 1),
            (2**53, "9007199254740992"),
            (-(2**53), "-9007199254740992"),
            (2.5, 2.5),
            (float("nan"), None),
            (float("inf"), None),
            ("x", "x"),
            ([1, [2**60, None]], [1, ["1152921504606846976", None]]),
            (label(), "seen"),
            (Thing(verdict="stop"), "stop"),
            (object(), None),
        ]
        for value, expected in cases:
            with self.subTest(repr(value)):
                self.assertEqual(plain(value), expected)

    def test_ospreys_own_features_are_left_out(self):
        told = message(features={"__entity_label_mutations": ["Member/seen/ADDED"], "Bounces": 3, "__error_count": 2})
        self.assertEqual((told["features"], told["error_count"]), ({"Bounces": 3}, 2))

    def test_did(self):
        cases = [
            ({"member": {"did": "did:plc:one"}}, "did:plc:one"),
            ({"member": {"did": ""}}, None),
            ({"member": {"did": 5}}, None),
            ({"member": {"did": "did:\ud800"}}, None),
            ({"member": {"did": "did:plc:" + "x" * 3_000}}, None),
            ({"member": {}}, None),
            ({"member": []}, None),
            ({}, None),
            ([], None),
        ]
        for data, expected in cases:
            with self.subTest(str(data)[:40]):
                self.assertEqual(did_of(data), expected)

    def test_encoded(self):
        self.assertEqual(json.loads(encode(message(features={"Odd": "é\ud800"})))["features"], {"Odd": "é\ud800"})
        self.assertTrue(encode(message(features={"Odd": "é"})).isascii())
        with self.assertRaisesRegex(ValueError, "larger than"):
            encode(message(features={"Long": "x" * 900_000}))
