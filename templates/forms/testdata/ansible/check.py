"""Second opinion on our playbooks, by Ansible's own code.

Reads a JSON list of {"playbook": path, "running": path or null} from standard
input. Prints a JSON object for each: the faults that the modules' own argument
specifications find, the commands that the module would send to a device with
no configuration ("fresh") and to one with the running-config ("again"), and
the collections that are not installed.
"""
import importlib
import json
import sys

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.ansible.netcommon.plugins.module_utils.network.common.config import NetworkConfig, dumps

# What each *_config module takes for one level of its platform's configuration.
INDENT = {"nxos_config": 2, "eos_config": 3, "voss_config": 0, "exos_config": 0}


def spec(options):
    """An argument specification from a module's documentation."""
    out = {}
    for name, o in options.items():
        s = {k: o[k] for k in ("type", "choices", "required", "aliases", "elements") if k in o}
        if "default" in o and not o.get("required"):
            s["default"] = o["default"]
        if "suboptions" in o:
            s["options"] = spec(o["suboptions"])
        out[name] = s
    return out


specs = {}


def documented(module):
    if module not in specs:
        collection, name = module.rsplit(".", 1)
        path = "ansible.modules.%s" % name
        if collection != "ansible.builtin":
            path = "ansible_collections.%s.plugins.modules.%s" % (collection, name)
        try:
            file = importlib.import_module(path).__file__
        except ModuleNotFoundError:
            specs[module] = None
        else:
            specs[module] = spec(get_docstring(file, fragment_loader)[0]["options"])
    return specs[module]


def set_commands(module, lines, running):
    """The same for platforms whose configuration is a list of set commands."""
    if module == "vyos.vyos.vyos_config":
        from ansible_collections.vyos.vyos.plugins.cliconf.vyos import Cliconf

        return object.__new__(Cliconf).get_diff(candidate="\n".join(lines), running=running)["config_diff"]
    from ansible_collections.community.network.plugins.modules import edgeos_config

    return edgeos_config.diff_config(None, edgeos_config.config_to_commands("\n".join(lines)), running)


def commands(tasks, running):
    """What is sent, task after task, to a device with this running-config."""
    sent = []
    for module, args in tasks:
        if module in ("vyos.vyos.vyos_config", "community.network.edgeos_config"):
            sent += set_commands(module, args["lines"], running)
            continue
        if "lines" not in args or "parents" not in (documented(module) or {"parents": 1}):
            continue
        indent = INDENT.get(module.rsplit(".", 1)[1], 1)
        candidate = NetworkConfig(indent=indent)
        candidate.add(args["lines"], parents=args.get("parents") or [])
        diff = candidate.difference(NetworkConfig(indent=indent, contents=running), match="line", replace="line")
        if diff:
            sent += dumps(diff, "commands").split("\n")
    return sent


def main():
    keywords = {"name", "notify"}
    for case in json.load(sys.stdin):
        with open(case["playbook"]) as f:
            plays = yaml.safe_load(f)
        faults, missing, tasks = [], set(), []
        for play in plays:
            for task in play["tasks"] + play.get("handlers", []):
                (module,) = set(task) - keywords
                args = task[module]
                tasks.append((module, args))
                known = documented(module)
                if known is None:
                    missing.add(module.rsplit(".", 1)[0])
                    continue
                result = ArgumentSpecValidator(known).validate(args)
                faults += ["%s: %s" % (module, m) for m in result.error_messages]
        out = {"faults": faults, "missing": sorted(missing), "fresh": commands(tasks, ""), "again": []}
        if case["running"]:
            with open(case["running"]) as f:
                out["again"] = commands(tasks, f.read())
        print(json.dumps(out))


main()
