# Lists the distributions of the environment that runs it, and the connector packages that can be
# imported in it, as one line of JSON. Imports none of them.
import importlib.metadata
import importlib.util
import json
import os
import pkgutil
import sys

PREFIX = "connector_"


def is_connector(name):
    return name.startswith(PREFIX) and name != PREFIX and name.isidentifier()


def packages_of(distribution):
    names = set()
    for file in distribution.files or ():
        if len(file.parts) > 1 and is_connector(file.parts[0]):
            names.add(file.parts[0])
    # An editable installation lists no files of its own.
    for name in (distribution.read_text("top_level.txt") or "").split():
        if is_connector(name):
            names.add(name)
    return sorted(names)


def described(distribution):
    try:
        direct = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        direct = {}
    return {
        "name": distribution.metadata["Name"] or "",
        "version": distribution.version or "",
        "url": direct.get("url"),
        "commit": direct.get("vcs_info", {}).get("commit_id"),
        "packages": packages_of(distribution),
    }


def find_packages(distributions):
    found = {}
    for module in pkgutil.iter_modules():
        if module.ispkg and is_connector(module.name):
            where = getattr(module.module_finder, "path", None)
            if where:
                found.setdefault(module.name, os.path.join(where, module.name))
    # A package without __init__.py: the worker says that this is why it has no commands.
    for directory in sys.path:
        if os.path.isdir(directory):
            for name in os.listdir(directory):
                path = os.path.join(directory, name)
                if is_connector(name) and os.path.isdir(path):
                    found.setdefault(name, path)
    for distribution in distributions:
        for name in distribution["packages"]:
            if name not in found:
                try:
                    spec = importlib.util.find_spec(name)
                except (ImportError, ValueError):
                    continue
                if spec is not None and spec.submodule_search_locations:
                    found[name] = list(spec.submodule_search_locations)[0]
    return [{"name": name, "path": path} for name, path in sorted(found.items())]


distributions = []
for each in importlib.metadata.distributions():
    try:
        distributions.append(described(each))
    except Exception as error:
        print("%s: %s" % (each, error), file=sys.stderr)
distributions.sort(key=lambda distribution: distribution["name"].lower())
sys.stdout.write(
    json.dumps(
        {
            "version": "%d.%d.%d" % sys.version_info[:3],
            "site": [path for path in sys.path if path.startswith(sys.prefix) and os.path.isdir(path)],
            "distributions": distributions,
            "packages": find_packages(distributions),
        }
    )
)
