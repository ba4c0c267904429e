import unittest

from atmos_osprey.settings import SettingsError, read_settings

USUAL = {
    "ATMOS_KAFKA_BROKERS": "kafka1.example:9093, kafka2.example:9093",
    "ATMOS_KAFKA_USERNAME": "osprey",
    "ATMOS_KAFKA_PASSWORD": "secret",
    "OSPREY_RULES_PATH": "/run/rules",
    "OSPREY_INPUT_STREAM_SOURCE": "plugin",
    "OSPREY_RULES_SINK_NUM_WORKERS": "1",
}
IN_CLEAR = {**USUAL, "ATMOS_KAFKA_TLS": "false"}
NOBODY = {**USUAL, "ATMOS_KAFKA_USERNAME": "", "ATMOS_KAFKA_PASSWORD": ""}


class Settings(unittest.TestCase):
    def test_what_brokers_are_told(self):
        cases = [
            (USUAL, {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "osprey"}),
            ({**USUAL, "ATMOS_KAFKA_CA_FILE": "/ca.pem"}, {"ssl.ca.location": "/ca.pem"}),
            ({**USUAL, "ATMOS_KAFKA_SASL_MECHANISM": "PLAIN"}, {"sasl.mechanism": "PLAIN"}),
            (IN_CLEAR, {"security.protocol": "SASL_PLAINTEXT"}),
            (NOBODY, {"security.protocol": "SSL"}),
            ({**NOBODY, "ATMOS_KAFKA_TLS": "false"}, {"security.protocol": "PLAINTEXT"}),
            (USUAL, {"bootstrap.servers": "kafka1.example:9093,kafka2.example:9093"}),
        ]
        for env, expected in cases:
            settings = read_settings(env)
            for told in (settings.consumer, settings.producer):
                with self.subTest(expected):
                    self.assertEqual(told, told | expected)

    def test_nothing_is_lost_by_default(self):
        settings = read_settings(USUAL)
        self.assertEqual(settings.producer["acks"], "all")
        self.assertIs(settings.producer["enable.idempotence"], True)
        self.assertIs(settings.consumer["enable.auto.commit"], False)
        self.assertEqual(settings.consumer["auto.offset.reset"], "earliest")

    def test_names(self):
        usual = read_settings(USUAL)
        self.assertEqual((usual.input_topic, usual.effects_topic), ("osprey.actions_input", "osprey.effects"))
        prefixed = read_settings({**USUAL, "ATMOS_KAFKA_PREFIX": "coop.", "ATMOS_OSPREY_EFFECTS_TOPIC": "other"})
        self.assertEqual((prefixed.input_topic, prefixed.effects_topic), ("coop.osprey.actions_input", "other"))
        self.assertEqual(prefixed.consumer["group.id"], "coop.osprey")

    def test_faults(self):
        cases = [
            ({"ATMOS_KAFKA_BROKERS": ""}, "ATMOS_KAFKA_BROKERS is missing"),
            ({"ATMOS_KAFKA_BROKERS": "kafka1"}, '"kafka1" is not HOST:PORT'),
            ({"OSPREY_RULES_PATH": ""}, "OSPREY_RULES_PATH is missing"),
            ({"OSPREY_INPUT_STREAM_SOURCE": "kafka"}, "OSPREY_INPUT_STREAM_SOURCE must be plugin"),
            ({"OSPREY_RULES_SINK_NUM_WORKERS": "4"}, "OSPREY_RULES_SINK_NUM_WORKERS must be 1"),
            ({"ATMOS_KAFKA_PASSWORD": ""}, "belong together"),
            ({"ATMOS_KAFKA_USERNAME": ""}, "belong together"),
            ({"ATMOS_KAFKA_TLS": "yes"}, "must be true or false"),
            ({"ATMOS_KAFKA_TLS": "false", "ATMOS_KAFKA_CA_FILE": "/ca.pem"}, "remove one of them"),
            ({"ATMOS_KAFKA_SASL_MECHANISM": "GSSAPI"}, "must be one of PLAIN, SCRAM"),
            ({"ATMOS_KAFKA_TLS": "false", "ATMOS_KAFKA_SASL_MECHANISM": "PLAIN"}, "would go in clear"),
            ({"ATMOS_OSPREY_EFFECTS_TOPIC": "a b"}, '"a b" is no name of Kafka'),
        ]
        for changed, expected in cases:
            with self.subTest(expected), self.assertRaises(SettingsError) as raised:
                read_settings({**USUAL, **changed})
            self.assertIn(expected, str(raised.exception))

    def test_all_faults_are_told_at_once(self):
        with self.assertRaises(SettingsError) as raised:
            read_settings({})
        self.assertEqual(len(str(raised.exception).splitlines()), 4)
