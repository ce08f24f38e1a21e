# Tells what an interpreter is, as one line of JSON. Runs on any Python that knows -I, so that one
# that is too old can be named.
import json
import os
import sys

import importlib


def there(name):
    try:
        from importlib.util import find_spec
        return find_spec(name) is not None
    except ImportError:
        return False


def pip():
    try:
        from importlib.metadata import version
        return version("pip")
    except Exception:
        return None


sys.stdout.write(
    json.dumps(
        {
            "executable": getattr(sys, "_base_executable", None) or sys.executable,
            "version": list(sys.version_info[:3]),
            "build": sys.version + " " + " ".join(os.uname()[4:5]),
            "pip": pip(),
            "venv": there("venv"),
            "ensurepip": there("ensurepip"),
        }
    )
)
