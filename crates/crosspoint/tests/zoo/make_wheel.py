"""Makes a wheel by hand: python3 make_wheel.py FOLDER NAME VERSION SOURCE [REQUIREMENT…]

SOURCE is a package's folder or a module. No build tool and no package index is needed.
"""

import pathlib
import sys
import zipfile

folder, name, version, source, *requirements = sys.argv[1:]
source = pathlib.Path(source)
label = f"{name.replace('-', '_')}-{version}"
metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
metadata += [f"Requires-Dist: {requirement}" for requirement in requirements]
files = [source] if source.is_file() else sorted(source.rglob("*.py"))
with zipfile.ZipFile(pathlib.Path(folder) / f"{label}-py3-none-any.whl", "w") as wheel:
    for file in files:
        wheel.write(file, file.relative_to(source.parent))
    info = f"{label}.dist-info"
    wheel.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: make_wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    names = [str(file.relative_to(source.parent)) for file in files] + [f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]
    wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
