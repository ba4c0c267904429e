import json
import tempfile
import unittest
from pathlib import Path

from atmos_osprey.rules import RulesError, hash_of, load_rules, write_for_osprey

MAIN = "A = GetActionName()\n"


def directory(test: unittest.TestCase, files: dict[str, str | bytes]) -> Path:
    made = tempfile.TemporaryDirectory()
    test.addCleanup(made.cleanup)
    for name, content in files.items():
        path = Path(made.name, "rules", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Path(made.name, "rules")


class Rules(unittest.TestCase):
    def test_what_osprey_reads(self):
        labels = {"seen": {"valid_for": ["Member"]}}
        root = directory(
            self,
            {
                "main.sml": MAIN,
                "models/member.sml": "B = 1\n",
                "labels.json": json.dumps(labels),
                "shadow.json": '{"rules": ["B"]}',
                "main.cases.jsonl": "{}",
            },
        )
        out = root.parent / "out"
        told = write_for_osprey(root, out)
        written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
        self.assertEqual(written, ["config.yaml", "labels.json", "main.sml", "models/member.sml", "shadow.json"])
        config = json.loads((out / "config.yaml").read_text())
        self.assertEqual(
            config, {"labels": {"seen": {"valid_for": ["Member"], "connotation": "neutral", "description": ""}}}
        )
        self.assertEqual(told, hash_of(load_rules(root)))

    def test_the_hash_tells_every_text_apart(self):
        files = {"main.sml": MAIN, "labels.json": '{"seen": {"valid_for": ["Member"]}}'}
        changes = [
            {},
            {"main.sml": MAIN + "\n"},
            {"other.sml": MAIN},
            {"labels.json": '{"seen": {"valid_for": ["Domain"]}}'},
            {"labels.json": '{"seen": {"valid_for": ["Member"], "description": "x"}}'},
            {"shadow.json": '{"rules": ["A"]}'},
            {"shadow.json": '{"labels": ["A"]}'},
        ]
        hashes = [hash_of(load_rules(directory(self, {**files, **change}))) for change in changes]
        self.assertEqual(len(set(hashes)), len(changes))

    def test_the_hash_is_of_what_is_meant(self):
        same = [
            {"main.sml": MAIN},
            {"main.sml": b"\xef\xbb\xbf" + MAIN.encode()},
            {"main.sml": MAIN, "shadow.json": "{}"},
            {"main.sml": MAIN, "labels.json": "{}"},
            {"main.sml": MAIN, "README.md": "x"},
        ]
        self.assertEqual(len({hash_of(load_rules(directory(self, files))) for files in same}), 1)

    def test_refused(self):
        cases = [
            ({"x.txt": ""}, "no rule file"),
            ({"main.sml": b"\xff"}, "not UTF-8"),
            ({"main.sml": "#" * (1024 * 1024 + 1)}, "larger than"),
            ({"main.sml": MAIN, "labels.json": "[]"}, "no object"),
            ({"main.sml": MAIN, "labels.json": "{"}, "labels.json"),
            ({"main.sml": MAIN, "labels.json": '{"seen": {}}'}, "list of names"),
            ({"main.sml": MAIN, "shadow.json": '{"rules": [1]}'}, "list of names"),
            ({f"{n}.sml": MAIN for n in range(501)}, "more than 500 rule files"),
        ]
        for files, expected in cases:
            with self.subTest(expected), self.assertRaisesRegex(RulesError, expected):
                load_rules(directory(self, files))

    def test_links_are_not_followed(self):
        root = directory(self, {"main.sml": MAIN})
        (root / "link.sml").symlink_to(root / "main.sml")
        self.assertEqual(list(load_rules(root).files), ["main.sml"])

    def test_a_directory_in_use_is_left_alone(self):
        root = directory(self, {"main.sml": MAIN})
        with self.assertRaisesRegex(RulesError, "not empty"):
            write_for_osprey(root, root)

    def test_no_directory(self):
        with self.assertRaisesRegex(RulesError, "cannot be read"):
            load_rules("/nowhere")
