"""Osprey's own engine over the events of CASE, over and over: peer.py OSPREY CASE SECONDS

What it evaluates with is Osprey's; its metrics, its configuration and its services are left out, as none is asked."""

import contextlib
import json
import resource
import sys
import time
import types
import warnings
from datetime import datetime

warnings.simplefilter("ignore")
root, case_file, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
packages = [f"{root}/osprey_worker/src", f"{root}/osprey_rpc/src"]
sys.path[:0] = packages


def leave_out(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


class Metrics:
    def __getattr__(self, name):
        return (lambda *_, **__: contextlib.nullcontext()) if name == "timed" else (lambda *_, **__: None)


def hook(*given, **_):
    return given[0] if given and callable(given[0]) else (lambda function: function)


import osprey

osprey.__path__ = [f"{package}/osprey" for package in packages]
worker = f"{root}/osprey_worker/src/osprey/worker"
leave_out("osprey.worker.lib.instruments", metrics=Metrics())
leave_out("osprey.worker.lib.singletons", CONFIG=None, ENGINE=None)
leave_out("osprey.worker.lib.utils.request_utils", SessionWithRetries=lambda: None)
leave_out("osprey.worker.adaptor.plugin_manager", hookimpl_osprey=hook)
leave_out("osprey.worker._stdlibplugin").__path__ = [f"{worker}/_stdlibplugin"]
leave_out("osprey.worker.lib.storage").__path__ = [f"{worker}/lib/storage"]

from osprey.engine.ast.sources import Sources
from osprey.engine.ast_validator.validation_context import ValidationContext
from osprey.engine.ast_validator.validator_registry import ValidatorRegistry
from osprey.engine.executor.execution_context import Action
from osprey.engine.executor.execution_graph import compile_execution_graph
from osprey.engine.executor.executor import execute
from osprey.engine.executor.udf_execution_helpers import UDFHelpers
from osprey.engine.language_types.rules import RuleT
from osprey.engine.stdlib import get_config_registry
from osprey.engine.stdlib.udfs.rules import Rule
from osprey.engine.udf.registry import UDFRegistry
from osprey.worker._stdlibplugin.udf_register import register_udfs
from osprey.worker._stdlibplugin.validator_regsiter import register_ast_validators

with open(case_file) as file:
    case = json.load(file)
validators = set(register_ast_validators()) | {get_config_registry().get_validator()}
sources = Sources.from_dict({**case["files"], "config.yaml": json.dumps({"labels": case["labels_config"]})})
context = ValidationContext(
    sources,
    udf_registry=UDFRegistry.with_udfs(*register_udfs()),
    validator_registry=ValidatorRegistry.from_validator_classes(validators),
)
graph = compile_execution_graph(context.run())
actions = [
    Action(
        action_id=int(event["action_id"]),
        action_name=event["action_name"],
        data=event["data"],
        timestamp=datetime.fromisoformat(event["send_time"].replace("Z", "+00:00")),
    )
    for event in case["events"]
]

held = []
run_rule = Rule.execute


def noting(self, *args):
    rule = run_rule(self, *args)
    held.append(isinstance(rule, RuleT) and rule.value)
    return rule


Rule.execute = noting
for action in actions:
    execute(graph, UDFHelpers(), action, None)
fired = sum(held)
Rule.execute = run_rule
began, cpu = time.monotonic(), time.process_time()
count = 0
while time.monotonic() - began < seconds:
    for action in actions:
        execute(graph, UDFHelpers(), action, None)
    count += len(actions)
told = {
    "count": count,
    "ms": (time.monotonic() - began) * 1000,
    "cpuMs": (time.process_time() - cpu) * 1000,
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "fired": fired,
}
print(json.dumps(told), flush=True)
