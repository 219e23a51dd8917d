"""Data sets, tokenizers and models of a run as entities of a crate, each with its own licence."""

import re
from typing import Any

from wildpaper.acquire.base_models import BaseModelEntry
from wildpaper.acquire.sources import Sources
from wildpaper.publish.crate_graph import Entity, reference

_SPDX = "https://spdx.org/licenses/"
_KNOWN = ("MIT", "Apache-2.0", "ODC-By-1.0", "CC-BY-NC-4.0", "CC-BY-SA-3.0", "CC0-1.0")


def licence_entity(licence: str) -> Entity:
    """Return a licence: by its SPDX id where it has one, else by its words."""
    for known in _KNOWN:
        if licence.lower() == known.lower():
            identifier = _SPDX + known
            return {
                "@id": identifier, "@type": "CreativeWork", "name": known, "identifier": identifier,
            }  # fmt: skip
    slug = re.sub(r"[^a-z0-9]+", "-", licence.lower()).strip("-")
    return {"@id": f"#licence-{slug}", "@type": "CreativeWork", "name": licence}


def data_entities(acquired: list[dict[str, Any]], sources: Sources) -> list[Entity]:
    """Return the data sets that a run read, their raw files and licences; files are no part of it.

    Parameters
    ----------
    acquired : list of dict
        Contents of ``acquired.json``; one of raw logs may name a data set that another names.
    sources : Sources
        ``data/sources.yaml``: homes, and the terms of what is not simulated.
    """
    found: list[Entity] = []
    for position, one in enumerate(acquired):
        release, entry = one["release"], sources.dataset(one["dataset"])
        name = f"#data-{position}-{one['dataset']}"
        licence = licence_entity(release["licence"])
        files = [_raw_file(f"{name}-{k}", file, licence) for k, file in enumerate(one["files"])]
        found += [
            {
                "@id": name, "@type": "CreativeWork", "name": release["title"],
                "description": _described(release), "license": reference(licence),
                "version": str(release["revision"] or one["version"]),
                "isBasedOn": {"@id": entry.home},
                "hasPart": [reference(file) for file in files],
            },
            {"@id": entry.home, "@type": "WebPage", "name": entry.title},
            licence, *files,
        ]  # fmt: skip
    return found


def _described(release: dict[str, Any]) -> str:
    parts = ["Not part of this crate"]
    if release["simulated"]:
        parts.append("invented by the simulator of this workflow, in the native format")
    if release["gated"]:
        parts.append("its terms must be accepted first")
    if release["why_not"] and not release["simulated"]:
        parts.append(release["why_not"].rstrip("."))
    return "; ".join(parts) + "."


def _raw_file(name: str, file: dict[str, Any], licence: Entity) -> Entity:
    return {
        "@id": name, "@type": "CreativeWork", "name": file["name"], "sha256": file["sha256"],
        "contentSize": str(file["n_bytes"]), "license": reference(licence),
    }  # fmt: skip


def model_entities(
    manifest: dict[str, Any], sources: Sources, models: list[BaseModelEntry]
) -> list[Entity]:
    """Return the pretrained models and the tokenizer that the jobs of a run read."""
    read = {name for one in manifest["outputs"] for name in (*one["inputs"], one["path"])}
    found: list[Entity] = []
    npm = sources.tokenizers.llama2.npm
    if any(name.endswith(f"/{npm.archive}") for name in read):
        title = f"Tokenizer of Llama-2, from {npm.package} {npm.version}"
        found += _model("llama2-tokenizer", title, npm.licence, npm.sha256, "")
    for model in models:
        if any(part in name for name in read for part in (model.file, model.folder)):
            found += _model(model.name, model.title, model.licence, model.sha256, model.package)
    return found


def _model(name: str, title: str, licence: str, sha256: str, source: str) -> list[Entity]:
    terms = licence_entity(licence)
    said = f"Not part of this crate; from {source}." if source else "Not part of this crate."
    return [
        {
            "@id": f"#model-{name}", "@type": "CreativeWork", "name": title, "sha256": sha256,
            "description": said, "license": reference(terms),
        },
        terms,
    ]  # fmt: skip
