"""Files that the user brings: checked, linked, never copied or changed."""

import os
from collections.abc import Sequence
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file


def links_into(files: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return {link: file} with absolute paths, in the order of the names."""
    if not files:
        raise WildpaperError("No file is given", hint="Name at least one file under `path`.")
    links: dict[Path, Path] = {}
    for path in sorted((path.absolute() for path in files), key=lambda path: path.name):
        link = folder.absolute() / path.name
        if path.name == "acquired.json":
            raise WildpaperError(
                "A data file may not be named acquired.json",
                where=str(path),
                hint="Rename it; the workflow keeps its own record under that name.",
            )
        if link in links or link == path:
            raise WildpaperError(
                f"Two files would have the same name {path.name!r}",
                where=f"{path} and {links.get(link, link)}",
                hint="Rename one of them, or move it out of the folder the workflow writes.",
            )
        links[link] = path
    return links


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file of the user; it must be a readable file with content."""
    hint = "Check `path` of this data set in the configuration."
    try:
        if path.is_dir():
            raise WildpaperError("A folder is given for a file", where=str(path), hint=hint)
        if path.stat().st_size == 0:
            raise WildpaperError("The file is empty", where=str(path), hint=hint)
        return sha256_file(path)
    except FileNotFoundError as error:
        raise WildpaperError("There is no such file", where=str(path), hint=hint) from error
    except OSError as error:
        raise WildpaperError(
            f"The file cannot be read ({error.strerror})", where=str(path), hint=hint
        ) from error


def replace_links(links: dict[Path, Path], folder: Path) -> None:
    """Put the links in place and remove links of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.absolute().iterdir():
        if old.is_symlink() and old not in links:
            old.unlink()
    for link, path in links.items():
        temporary = link.with_name(f".{link.name}.tmp-{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(path)
        temporary.replace(link)
