"""Against Osprey itself: needs its packages. osprey/compare/run.sh runs these, as Osprey runs its own:

    python -m gevent.monkey --module unittest discover -t . -s tests_with_osprey
"""

import json
import unittest
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from osprey.engine.ast.sources import Sources
from osprey.engine.executor.execution_context import Action
from osprey.worker.adaptor.plugin_manager import bootstrap_ast_validators, bootstrap_udfs
from osprey.worker.lib.osprey_engine import OspreyEngine
from osprey.worker.lib.singletons import CONFIG, LABELS_PROVIDER
from osprey.worker.lib.sources_provider import StaticSourcesProvider
from osprey.worker.sinks.sink.output_sink import MultiOutputSink
from osprey.worker.sinks.sink.rules_sink import RulesRunner

from atmos_osprey.plugin import EffectsSink, NoLabels, note_rules_that_hold
from atmos_osprey.rules import write_for_osprey

LABELS = {"seen": {"valid_for": ["Member", "Case"]}, "other": {"valid_for": ["Member"]}}
MODELS = """
Member: Entity[str] = EntityJson(type="Member", path="$.member.did")
Case: Entity[int] = EntityJson(type="Case", path="$.case", required=False)
Count: Optional[int] = JsonData(path="$.count")
Known: int = ResolveOptional(optional_value=Count, default_value=0)
Yes = Rule(when_all=[True], description=f"Known: {Known} of {Member}.")
No = Rule(when_all=[False], description="No.")
Broken: int = JsonData(path="$.missing")
Err = Rule(when_all=[Broken > 1], description="Err.")
"""


class Box:
    def __init__(self):
        self.sent = []

    def send(self, key, value):
        self.sent.append((key, json.loads(value)))


class Plugin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        CONFIG.instance().configure({})
        note_rules_that_hold()
        cls.registry, cls.helpers = bootstrap_udfs()
        bootstrap_ast_validators()

    def judge(self, rules, data=None, action_id=7):
        """The message about one action, on Osprey's way from its runner through its sinks."""
        with TemporaryDirectory() as directory:
            source = Path(directory, "rules")
            source.mkdir()
            (source / "main.sml").write_text(MODELS + rules)
            (source / "labels.json").write_text(json.dumps(LABELS))
            write_for_osprey(source, Path(directory, "out"))
            sources = Sources.from_path(Path(directory, "out"))
        engine = OspreyEngine(StaticSourcesProvider(sources), self.registry)
        box = Box()
        sink = EffectsSink(box, "abc")
        action = Action(
            action_id=action_id,
            action_name="tried",
            data={"member": {"did": "did:plc:one"}, **(data or {})},
            timestamp=datetime(2026, 11, 24, tzinfo=timezone.utc),
        )
        RulesRunner(engine, MultiOutputSink([sink]), self.helpers).classify_one(action, tag="test")
        sink.answered(action)
        [(key, message)] = box.sent
        self.assertEqual(key, "did:plc:one")
        return message

    def effects(self, then, **options):
        return self.judge(f"WhenRules(rules_any=[Yes, No], then=[{then}])", **options)["effects"]

    def test_the_plugin_is_found_and_its_labels_service_is_used(self):
        self.assertIsInstance(LABELS_PROVIDER.instance()._labels_service, NoLabels)

    def test_effects(self):
        usual = {
            "entity_type": "Member",
            "entity_id": "did:plc:one",
            "label": "seen",
            "status": "added",
            "rules": ["Yes"],
        }
        case = {**usual, "entity_type": "Case", "entity_id": "12"}
        cases = [
            ('LabelAdd(entity=Member, label="seen")', [usual]),
            ('LabelRemove(entity=Member, label="seen")', [{**usual, "status": "removed"}]),
            ('LabelAdd(entity=Member, label="seen", apply_if=Yes)', [{**usual, "apply_if": "Yes"}]),
            ('LabelAdd(entity=Member, label="seen", apply_if=No)', []),
            ('LabelAdd(entity=Member, label="seen", apply_if=Err)', []),
            ('LabelAdd(entity=Member, label="seen", expires_after=TimeDelta(days=7))', [
                {**usual, "expires_after_ms": 604_800_000}
            ]),
            ('LabelAdd(entity=Case, label="seen")', [case]),
            ('LabelAdd(entity=Member, label="seen"), LabelRemove(entity=Member, label="seen")', [
                usual,
                {**usual, "status": "removed"},
            ]),
        ]
        for then, expected in cases:
            with self.subTest(then):
                self.assertEqual(self.effects(then, data={"case": 12}), expected)

    def test_a_rule_without_any_effect_has_its_sentence(self):
        told = self.judge('WhenRules(rules_any=[Yes], then=[LabelAdd(entity=Case, label="seen")])', {"count": 3})
        self.assertEqual(told["effects"], [])
        self.assertEqual(told["fired"], [{"rule": "Yes", "description": "Known: 3 of did:plc:one."}])

    def test_verdicts_features_and_errors(self):
        told = self.judge('WhenRules(rules_any=[Yes], then=[DeclareVerdict(verdict="stop")])\nBig = 2 * 9007199254740992')
        self.assertEqual(told["declared"], ["stop"])
        self.assertEqual((told["features"]["Big"], told["features"]["Err"]), ("18014398509481984", None))
        self.assertNotIn("__verdicts", told["features"])
        self.assertGreater(told["error_count"], 0)

    def test_no_entity_has_a_label(self):
        asks = {
            'HasLabel(entity=Member, label="seen")': False,
            'HasLabel(entity=Member, label="seen", status="removed")': True,
            'HasLabel(entity=Member, label="seen", status="removed", manual=True)': False,
            'HasLabel(entity=Member, label="seen", error_on_empty=True)': None,
        }
        for ask, expected in asks.items():
            with self.subTest(ask):
                self.assertIs(self.judge(f"Answer = {ask}")["features"]["Answer"], expected)

    def test_labels_are_not_written_here(self):
        with self.assertRaisesRegex(NotImplementedError, "core does it"):
            with NoLabels().read_modify_write_labels_atomically(None):
                pass

    def test_what_failed_leaves_a_message_that_says_so(self):
        with self.assertLogs("atmos_osprey.plugin", "ERROR"):
            told = self.judge('Text: str = JsonData(path="$.text")', {"text": "x" * 1_000_000})
        self.assertIs(told["judged"], False)
        with patch.object(OspreyEngine, "execute", side_effect=RuntimeError), self.assertLogs(level="ERROR"):
            self.assertIs(self.judge("")["judged"], False)
