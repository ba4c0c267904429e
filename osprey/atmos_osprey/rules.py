"""A directory of rules: its hash, and what Osprey wants of it on disk.

    python3 -m atmos_osprey.rules RULES OUT    writes OUT, which must be new or empty, and prints the hash
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

LABELS_FILE = "labels.json"
SHADOW_FILE = "shadow.json"
CONFIG_FILE = "config.yaml"
MAX_FILES = 500
MAX_ENTRIES = 20_000
MAX_BYTES = 1024 * 1024
MAX_ALL_BYTES = 16 * 1024 * 1024


class RulesError(Exception):
    """The directory cannot be used."""


@dataclass(frozen=True)
class RuleSet:
    files: dict[str, str]
    labels: dict[str, dict[str, Any]]
    shadow: tuple[list[str], list[str]]
    """Names of rules, and of labels, that core records and does not follow. Osprey knows nothing of it."""


def load_rules(directory: str | Path) -> RuleSet:
    """Raises `RulesError`."""
    root = Path(directory)
    paths = _list(root)
    sml = sorted(path for path in paths if path.endswith(".sml"))
    if not sml:
        raise RulesError(f"{root}: there is no rule file (*.sml) here")
    if len(sml) > MAX_FILES:
        raise RulesError(f"{root}: more than {MAX_FILES} rule files")
    files = {path: _read(root / path) for path in sml}
    if sum(map(len, files.values())) > MAX_ALL_BYTES:
        raise RulesError(f"{root}: the rule files are larger than {MAX_ALL_BYTES} bytes together")
    labels = _object(root / LABELS_FILE) if LABELS_FILE in paths else {}
    shadow = _object(root / SHADOW_FILE) if SHADOW_FILE in paths else {}
    return RuleSet(
        files,
        {name: _label(root / LABELS_FILE, name, told) for name, told in labels.items()},
        (_names(root / SHADOW_FILE, shadow.get("rules", [])), _names(root / SHADOW_FILE, shadow.get("labels", []))),
    )


def hash_of(rules: RuleSet) -> str:
    """What `hashOf` of src/rules/rule-set.ts gives for the same directory, to the octet."""
    shadow = [sorted(names, key=_code_units) for names in rules.shadow]
    told = [_by_name(rules.files), _by_name(rules.labels), *([shadow] if any(shadow) else [])]
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    # JSON.stringify writes half a surrogate pair as an escape.
    text = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
    return sha256(text.encode()).hexdigest()


def write_for_osprey(directory: str | Path, out: str | Path) -> str:
    """Writes rule files and label configuration as a worker reads them; the hash can be told from `out` too."""
    rules, target = load_rules(directory), Path(out)
    if target.exists() and any(target.iterdir()):
        raise RulesError(f"{target}: is not empty")
    for path in [*rules.files, LABELS_FILE, SHADOW_FILE]:
        source = Path(directory, path)
        if source.is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(source.read_bytes())
    # JSON is YAML.
    (target / CONFIG_FILE).write_text(json.dumps({"labels": rules.labels}, indent=2) + "\n")
    return hash_of(load_rules(target))


def _code_units(text: str) -> bytes:
    """JavaScript compares text by UTF-16 code units."""
    return text.encode("utf-16-be", "surrogatepass")


def _by_name(told: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(told.items(), key=lambda item: _code_units(item[0]))


def _list(root: Path) -> set[str]:
    """Regular files by their path from the root; links are not followed."""

    def unreadable(error: OSError) -> None:
        raise RulesError(f"{root}: the directory of rules cannot be read ({error.strerror})")

    found: set[str] = set()
    seen = 0
    for parent, directories, files in os.walk(root, onerror=unreadable):
        seen += len(directories) + len(files)
        if seen > MAX_ENTRIES:
            raise RulesError(f"{root}: more than {MAX_ENTRIES} files: name the directory of rules itself")
        paths = [Path(parent, name) for name in files]
        found |= {path.relative_to(root).as_posix() for path in paths if path.is_file() and not path.is_symlink()}
    return found


def _read(path: Path) -> str:
    with path.open("rb") as file:
        octets = file.read(MAX_BYTES + 1)
    if len(octets) > MAX_BYTES:
        raise RulesError(f"{path}: the file is larger than {MAX_BYTES} bytes")
    try:
        # A byte order mark is no part of the text.
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RulesError(f"{path}: the file is not UTF-8") from error


def _object(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{path}: {error}") from error
    if not isinstance(told, dict):
        raise RulesError(f"{path}: is no object")
    return told


def _label(path: Path, name: str, told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise RulesError(f"{path}: {name} is no object")
    connotation, description = told.get("connotation"), told.get("description")
    return {
        "valid_for": _names(path, told.get("valid_for")),
        "connotation": "neutral" if connotation is None else connotation,
        "description": "" if description is None else description,
    }


def _names(path: Path, told: Any) -> list[str]:
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
        raise RulesError(f"{path}: a list of names is none")
    return told


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 -m atmos_osprey.rules RULES OUT")
    try:
        print(write_for_osprey(*sys.argv[1:]))
    except (RulesError, OSError) as error:
        sys.exit(str(error))
