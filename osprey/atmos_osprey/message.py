"""The effects message: what Osprey made of one action, for core. README.md has its form."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

SCHEMA = 1
MAX_BYTES = 900_000
MAX_DID = 2_048
LARGEST = 2**53 - 1


def judged(
    action: Any,
    rules_hash: str,
    *,
    label_effects: Iterable[Any],
    verdicts: Iterable[str],
    fired: Iterable[Any],
    features: Mapping[str, Any],
) -> dict[str, Any]:
    """Takes Osprey's own objects: its action, label effects, and rules that held."""
    return {
        **_head(action, rules_hash),
        "judged": True,
        "effects": [effect(one) for one in label_effects if takes_effect(one)],
        "declared": list(verdicts),
        "fired": sorted(
            ({"rule": rule.name, "description": describe(rule)} for rule in fired), key=lambda one: one["rule"]
        ),
        # What begins with two underscores is Osprey's own, and lists effects that do not take effect.
        "features": {name: plain(value) for name, value in features.items() if not name.startswith("__")},
        "error_count": features.get("__error_count", 0),
    }


def not_judged(action: Any, rules_hash: str) -> dict[str, Any]:
    """Osprey gave no answer. Why is in the worker's log."""
    nothing = {"effects": [], "declared": [], "fired": [], "features": {}}
    return {**_head(action, rules_hash), "judged": False, **nothing, "error_count": 1}


def encode(message: Mapping[str, Any]) -> bytes:
    """Raises `ValueError` for what is larger than brokers take."""
    octets = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    if len(octets) > MAX_BYTES:
        raise ValueError(f"the effects of action {message['action_id']} are larger than {MAX_BYTES} bytes")
    return octets


def did_of(data: Any) -> str | None:
    """Of whom the event is; messages about a member are in order by it."""
    member = data.get("member") if isinstance(data, dict) else None
    did = member.get("did") if isinstance(member, dict) else None
    is_did = isinstance(did, str) and 0 < len(did) <= MAX_DID and did.isascii() and did.isprintable()
    return did if is_did else None


def takes_effect(one: Any) -> bool:
    """`apply_if` names a rule that holds the effect back unless it held; one that failed holds it back too."""
    return not one.suppressed and (one.dependent_rule is None or one.dependent_rule.value)


def effect(one: Any) -> dict[str, Any]:
    told = {
        "entity_type": one.entity.type,
        "entity_id": str(one.entity.id),
        "label": one.name,
        "status": one.status.name.lower(),
        "rules": [rule.name for rule in one.rules],
    }
    if one.expires_after is not None:
        told["expires_after_ms"] = milliseconds(one.expires_after)
    if one.delay_action_by is not None:
        told["delay_action_by_ms"] = milliseconds(one.delay_action_by)
    if one.dependent_rule is not None:
        told["apply_if"] = one.dependent_rule.name
    return told


def describe(rule: Any) -> str:
    """The rule's sentence with its values filled in."""
    return rule.description.format_map(rule.features) if rule.features else rule.description


def milliseconds(span: timedelta) -> int | float:
    exact = span / timedelta(milliseconds=1)
    return int(exact) if exact.is_integer() else exact


def plain(value: Any) -> Any:
    """A feature as JSON that JavaScript reads without loss: ints beyond 2^53 are text of digits."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -LARGEST <= value <= LARGEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    # An effect that was given a name.
    return getattr(value, "verdict", getattr(value, "name", None))


def _head(action: Any, rules_hash: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "engine": "osprey",
        "action_id": str(action.action_id),
        "action_name": action.action_name,
        "did": did_of(action.data),
        "rules_hash": rules_hash,
    }
