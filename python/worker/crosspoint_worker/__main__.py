"""Started as `<python> <folder>/crosspoint_worker`.

Python puts the started folder at the front of `sys.path`. It is taken off again before anything else is imported:
otherwise a connector's `import config` would find ours. The package is loaded by its place instead.
"""

import sys

if __name__ == "__main__":
    folder = sys.path.pop(0)

    import importlib.util

    spec = importlib.util.spec_from_file_location(
        "crosspoint_worker", folder + "/__init__.py", submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["crosspoint_worker"] = package
    spec.loader.exec_module(package)

    from crosspoint_worker.main import main

    sys.exit(main(sys.argv[1:]))
