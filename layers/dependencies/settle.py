"""The last step of a layer's build: `python settle.py FOLDER` makes it the same bytes on every machine, and says which.

Times and permissions are set to fixed values, so that an archive of the folder depends on nothing but names and
contents. Prints `sha256:<digest>  <files> files  <bytes> bytes`. Runs on any Python 3.11 or later and needs nothing
installed.
"""

import hashlib
import os
import sys
from pathlib import Path

# The first day that a zip file can name, in UTC.
LONG_AGO = 315_532_800


def settle(folder: Path) -> None:
    """Fixed times and permissions for everything in a folder."""
    for path in [folder, *sorted(folder.rglob("*"))]:
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
    # Innermost first: what is done to an entry would change the time of its folder.
    for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


def digest_of(folder: Path) -> tuple[str, int, int]:
    """The sha256 over names, permissions and contents in the order of names; how many files; their bytes."""
    total, files, size = hashlib.sha256(), 0, 0
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()):
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        mode = "link" if path.is_symlink() else oct(path.stat().st_mode & 0o777)
        line = f"{path.relative_to(folder).as_posix()}\0{mode}\0{hashlib.sha256(content).hexdigest()}\n"
        total.update(line.encode())
        files, size = files + 1, size + len(content)
    return total.hexdigest(), files, size


if __name__ == "__main__":
    where = Path(sys.argv[1])
    settle(where)
    digest, files, size = digest_of(where)
    print(f"sha256:{digest}  {files:,} files  {size:,} bytes")
