"""The settings, from the environment. Names that core has too (ATMOS_KAFKA_*) mean the same here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
DELIVERY_MS = 30_000


class SettingsError(Exception):
    """The settings cannot be used; the message has one line for each fault."""


@dataclass(frozen=True)
class Settings:
    input_topic: str
    effects_topic: str
    rules_path: str
    consumer: Mapping[str, Any]
    producer: Mapping[str, Any]


def read_settings(env: Mapping[str, str]) -> Settings:
    """Raises `SettingsError` with all faults at once."""
    faults: list[str] = []

    def need(holds: bool, text: str) -> None:
        if not holds:
            faults.append(text)

    brokers = [one.strip() for one in env.get("ATMOS_KAFKA_BROKERS", "").split(",") if one.strip()]
    need(bool(brokers), "ATMOS_KAFKA_BROKERS is missing: HOST:PORT of each broker, with commas between them")
    for broker in brokers:
        need(bool(re.fullmatch(r"[^\s:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", broker)), f'ATMOS_KAFKA_BROKERS: "{broker}" is not HOST:PORT')

    prefix = env.get("ATMOS_KAFKA_PREFIX", "")
    names = {
        "ATMOS_OSPREY_INPUT_TOPIC": f"{prefix}osprey.actions_input",
        "ATMOS_OSPREY_EFFECTS_TOPIC": f"{prefix}osprey.effects",
        "ATMOS_OSPREY_GROUP": f"{prefix}osprey",
    }
    names = {name: env.get(name) or usual for name, usual in names.items()}
    for name, value in names.items():
        need(bool(re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", value)), f'{name}: "{value}" is no name of Kafka')

    rules_path = env.get("OSPREY_RULES_PATH", "")
    need(bool(rules_path), "OSPREY_RULES_PATH is missing: the directory that python3 -m atmos_osprey.rules wrote")
    need(
        env.get("OSPREY_INPUT_STREAM_SOURCE") == "plugin",
        "OSPREY_INPUT_STREAM_SOURCE must be plugin: only this plugin's stream commits after the answer was sent",
    )
    need(
        env.get("OSPREY_RULES_SINK_NUM_WORKERS") == "1",
        "OSPREY_RULES_SINK_NUM_WORKERS must be 1: a member's events are judged in order; for more, start more workers",
    )
    security = _security(env, need)
    if faults:
        raise SettingsError("\n".join(faults))
    return Settings(
        input_topic=names["ATMOS_OSPREY_INPUT_TOPIC"],
        effects_topic=names["ATMOS_OSPREY_EFFECTS_TOPIC"],
        rules_path=rules_path,
        consumer={
            **_common(brokers, security),
            "group.id": names["ATMOS_OSPREY_GROUP"],
            "enable.auto.commit": False,
            # A new group judges what is there, and a group whose place is gone begins at what is left.
            "auto.offset.reset": "earliest",
            # Another worker takes over so long after one died.
            "session.timeout.ms": 10_000,
        },
        producer={
            **_common(brokers, security),
            "acks": "all",
            "enable.idempotence": True,
            "delivery.timeout.ms": DELIVERY_MS,
            # As Java and core choose partitions, so that a member has one, whoever writes.
            "partitioner": "murmur2_random",
        },
    )


def _common(brokers: list[str], security: dict[str, str]) -> dict[str, Any]:
    return {"bootstrap.servers": ",".join(brokers), "client.id": "atmos-osprey", **security}


def _security(env: Mapping[str, str], need: Any) -> dict[str, str]:
    tls = env.get("ATMOS_KAFKA_TLS") or "true"
    need(tls in ("true", "false"), "ATMOS_KAFKA_TLS must be true or false")
    is_tls = tls != "false"
    authority = env.get("ATMOS_KAFKA_CA_FILE")
    need(is_tls or not authority, "ATMOS_KAFKA_CA_FILE is set although ATMOS_KAFKA_TLS is false: remove one of them")
    username, password = env.get("ATMOS_KAFKA_USERNAME"), env.get("ATMOS_KAFKA_PASSWORD")
    need(
        bool(username) == bool(password),
        "ATMOS_KAFKA_USERNAME and ATMOS_KAFKA_PASSWORD belong together: set both, or none",
    )
    mechanism = env.get("ATMOS_KAFKA_SASL_MECHANISM") or "SCRAM-SHA-512"
    need(mechanism in MECHANISMS, f"ATMOS_KAFKA_SASL_MECHANISM must be one of {', '.join(MECHANISMS)}")
    need(
        is_tls or not username or mechanism != "PLAIN",
        "ATMOS_KAFKA_SASL_MECHANISM is PLAIN although ATMOS_KAFKA_TLS is false: the password would go in clear",
    )
    security = {"security.protocol": ("SASL_" if username else "") + ("SSL" if is_tls else "PLAINTEXT")}
    if authority:
        security["ssl.ca.location"] = authority
    if username and password:
        security |= {"sasl.mechanism": mechanism, "sasl.username": username, "sasl.password": password}
    return security
