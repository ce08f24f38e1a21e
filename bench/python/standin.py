"""A stand-in for the Flask proxy that SpiffArena ships, which is on no package index.

It does per call what that one does, no more and no less: find every top-level package named
connector_*, run each module of its sub-package commands from disk again, look the class up, call
it, answer. Served by gunicorn with three synchronous workers, as the reference's start script does.
"""

import importlib
import inspect
import json
import pkgutil
import types

from flask import Flask, Response, current_app, request

app = Flask(__name__)


def commands(package):
    """Every class of the package's commands, from modules that are executed anew."""
    for _, name, is_package in pkgutil.iter_modules(package.__path__):
        if not (is_package and name == "commands"):
            continue
        folder = importlib.import_module(f"{package.__name__}.{name}")
        for finder, module_name, _ in pkgutil.iter_modules(folder.__path__):
            spec = finder.find_spec(module_name)
            module = types.ModuleType(spec.name)
            spec.loader.exec_module(module)
            for class_name, member in inspect.getmembers(module, inspect.isclass):
                if member.__module__ == module_name:
                    yield class_name, member


def everything():
    """All commands of all connector packages, by package and class name."""
    found = [name for _, name, _ in pkgutil.iter_modules() if name.startswith("connector_")]
    return {name: dict(commands(importlib.import_module(name))) for name in found}


@app.post("/v1/do/<connector>/<command>")
def do(connector, command):
    arguments = request.json
    task_data = arguments.pop("spiff__task_data", "{}")
    arguments = {k: v for k, v in arguments.items() if not k.startswith("spiff__")}
    found = everything()["connector_" + connector][command]
    result = found(**arguments).execute(current_app.config, task_data)
    body = result["response"]
    if isinstance(body, dict):
        body = json.dumps(body)
    return Response(body, mimetype=result["mimetype"], status=int(result.get("status", 200)))


@app.get("/v1/commands")
def list_commands():
    listed = []
    for package, found in everything().items():
        for name, command in found.items():
            parameters = list(inspect.signature(command.__init__).parameters.values())[1:]
            listed.append(
                {
                    "id": f"{package.removeprefix('connector_')}/{name}",
                    "parameters": [
                        {"id": p.name, "type": "any", "required": p.default is p.empty}
                        for p in parameters
                    ],
                }
            )
    return listed


@app.get("/liveness")
def liveness():
    return {"ok": True}
