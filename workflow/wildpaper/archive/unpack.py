"""Restoring results from an archive: verified on the way, all files of a rule or none."""

import logging
import os
import shutil
from pathlib import Path

from wildpaper.archive.layout import Archive, Member, open_archive
from wildpaper.archive.verify import content_of
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, open_unfinished, sha256_file
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")


def restore_files(archive: Path, files: list[Path], folder: str, unfinished: str) -> None:
    """Unpack members of an archive to where the run expects them.

    Parameters
    ----------
    archive : Path
    files : list of Path
        To write; below `folder` they have the paths of the members.
    folder : str
        ``results/<preset>``.
    unfinished : str
        Folder where they are gathered until all are there; its name ends in a hyphen and 16
        hex digits over their checksums. After a kill, those that are right are not read again.

    Raises
    ------
    WildpaperError
        If a member is damaged, or the archive lacks it.
    """
    opened = open_archive(archive)
    members = [_member(opened, str(path.relative_to(folder))) for path in files]
    gathered = Path(unfinished)
    open_unfinished(gathered)
    progress = Progress("restore", sum(member.n_bytes for member in members), "bytes")
    kept = 0
    with archive.open("rb") as handle:
        for number, member in enumerate(members):
            target = gathered / str(number)
            if target.is_file() and sha256_file(target) == member.sha256:
                kept += 1
                progress.resume_from(progress.done + member.n_bytes)
                continue
            with atomic_path(target) as temporary, temporary.open("wb") as out:
                for chunk in content_of(opened, handle, member):
                    out.write(chunk)
                    progress.advance(len(chunk))
    for number, path in enumerate(files):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(gathered / str(number), path)
    shutil.rmtree(gathered)
    _LOG.info("restored %d files, %d of them unpacked before", len(files), kept)


def _member(archive: Archive, name: str) -> Member:
    found = archive.members.get(name)
    if found is None:
        raise WildpaperError(
            f"The archive does not hold {name}",
            where=str(archive.path),
            hint="Start the run again: what it takes from the archive is planned anew.",
        )
    return found
