"""Holds the Terraform files to the provider's names: version 3 of hookdeck/hookdeck, as its documentation lists them.

Terraform itself can do more (`terraform init && terraform validate`), but needs the provider from its registry.
"""

import sys
from pathlib import Path

import hcl2

# Name: (required, optional) arguments.
RESOURCES = {
    "hookdeck_gateway_source": ({"name"}, {"type", "config", "description", "project_id"}),
    "hookdeck_gateway_source_auth": ({"source_id", "auth"}, {"auth_type", "project_id"}),
    "hookdeck_gateway_destination": ({"name"}, {"type", "config", "description", "project_id"}),
    "hookdeck_gateway_transformation": ({"name", "code"}, {"env", "project_id"}),
    "hookdeck_gateway_connection": ({"source_id", "destination_id"}, {"name", "description", "rules", "project_id"}),
}
RULES = {
    "filter_rule": (set(), {"body", "headers", "path", "query"}),
    "transform_rule": ({"transformation_id"}, set()),
    "retry_rule": ({"strategy"}, {"count", "interval", "response_status_codes"}),
    "deduplicate_rule": ({"window"}, {"include_fields", "exclude_fields"}),
    "delay_rule": ({"delay"}, set()),
}
META = {"lifecycle", "depends_on", "count", "for_each", "provider", "provisioner"}
problems = []


def bare(text):
    """Labels and keys come with their quotes, or without, depending on how they were written."""
    return text.strip('"')


def own(block):
    return {bare(key) for key in block if not key.startswith("__")}


def hold(what, names, table):
    required, optional = table
    for name in required - names:
        problems.append(f"{what}: {name} is missing")
    for name in names - required - optional - META:
        problems.append(f"{what}: the provider knows no {name}")


def check(path):
    with path.open() as file:
        document = hcl2.load(file)
    count = 0
    for block in document.get("resource", []):
        for kind, named in block.items():
            kind = bare(kind)
            if kind.startswith("__"):
                continue
            for name, body in named.items():
                count += 1
                if kind not in RESOURCES:
                    problems.append(f"{path.name}: the provider knows no {kind}")
                    continue
                hold(f"{path.name}: {kind}.{bare(name)}", own(body), RESOURCES[kind])
                for rule in body.get("rules", []):
                    for key, inner in rule.items():
                        key = bare(key)
                        if key not in RULES:
                            problems.append(f"{path.name}: the provider knows no {key}")
                        else:
                            hold(f"{path.name}: {key}", own(inner), RULES[key])
    return count


resources = sum(check(path) for path in sorted(Path(sys.argv[1]).glob("*.tf")))
if resources == 0:
    problems.append("no resource was found")
for problem in problems:
    print(f"check: {problem}", file=sys.stderr)
if problems:
    sys.exit(1)
print(f"names: {resources} resources, as the provider has them")
