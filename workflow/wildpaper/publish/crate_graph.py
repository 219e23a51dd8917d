"""The metadata of a crate: entities and how they refer to each other.

Profiles: RO-Crate 1.1, Workflow RO-Crate 1.0, Process Run Crate and Workflow Run Crate 0.5
(https://www.researchobject.org/workflow-run-crate/profiles/workflow_run_crate/).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.files import sha256_file

Entity = dict[str, Any]

CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"},
]
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
_BIOSCHEMAS = "https://bioschemas.org/profiles/"
_MIT = "https://spdx.org/licenses/MIT"
_AUTHORS = "#contributors"
_FORMATS = {
    ".cff": "application/yaml", ".csv": "text/csv", ".html": "text/html",
    ".ipynb": "application/x-ipynb+json", ".json": "application/json", ".lock": "text/plain",
    ".md": "text/markdown", ".pdf": "application/pdf", ".png": "image/png",
    ".tex": "application/x-tex", ".toml": "application/toml", ".yaml": "application/yaml",
    ".yml": "application/yaml",
}  # fmt: skip
_KINDS = {
    "paper": ("paper.pdf", "The paper, recomputed"),
    "claims": ("publish/claims.", "Every published value beside the one obtained"),
    "ledger": ("ledger.json", "Records kept and dropped"),
    "manifest": ("publish/manifest.json", "Every output of the run with its checksum"),
    "tables": ("present/tables/", "Tables of the paper"),
    "figures": ("present/figures/", "Figures of the paper"),
    "notebooks": ("present/notebooks/", "Executed notebooks"),
    "tex": ("publish/tex/", "What the run writes into the paper"),
}


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a crate says of its run.

    Attributes
    ----------
    preset, version, config_digest, snakemake, purpose : str
        The preset, the versions of this project and of Snakemake, what the preset is for.
    times : tuple of str
        Start and end, ISO 8601.
    workflow : dict
        The file of the main workflow.
    code, configuration : list of dict
        Files.
    folders : list of str
        Folders of sources, with a slash at the end.
    results : list of dict
        Entries of the manifest.
    data, models : list of dict
        Entities with their licences; the same licence may occur again.
    """

    preset: str
    version: str
    config_digest: str
    snakemake: str
    purpose: str
    times: tuple[str, str]
    workflow: Entity
    code: list[Entity]
    folders: list[str]
    configuration: list[Entity]
    results: list[Entity]
    data: list[Entity]
    models: list[Entity]


def reference(entity: Entity) -> Entity:
    """Return a reference to an entity."""
    return {"@id": entity["@id"]}


def file_entity(name: str, path: Path) -> Entity:
    """Return a file of the crate, with its checksum and size."""
    entity = {"@id": name, "@type": "File", "name": Path(name).name}
    entity |= {"sha256": sha256_file(path), "contentSize": str(path.stat().st_size)}
    return entity | _format_of(name)


def _format_of(name: str) -> Entity:
    suffix = Path(name).suffix
    known = "text/plain" if not suffix else _FORMATS.get(suffix)
    return {"encodingFormat": known} if known else {}


def graph_of(facts: RunFacts) -> Entity:
    """Return the document: a run, what it used and what it made."""
    outputs = [_result(one) for one in facts.results]
    parameters = _parameters(facts, outputs)
    workflow = _workflow(facts, parameters)
    folders = [
        {"@id": name, "@type": "Dataset", "name": name.rstrip("/"), "license": {"@id": _MIT}}
        for name in facts.folders
    ]
    readme = [one | {"about": {"@id": "./"}} for one in facts.code if one["@id"] == "README.md"]
    others = [one for one in facts.code if one["@id"] != "README.md"]
    parts = [workflow, *readme, *others, *facts.configuration, *folders, *outputs]
    entities = [
        _descriptor(), _root(facts, parts), *_contexts(facts), _action(facts, outputs),
        *parts, *parameters, *facts.data, *facts.models,
    ]  # fmt: skip
    unique = {one["@id"]: _single(one) for one in entities}
    return {"@context": CONTEXT, "@graph": list(unique.values())}


def _single(entity: Entity) -> Entity:
    """Return an entity in which a list of one is that one, as RO-Crate 1.1 asks."""
    lone = {k: v[0] for k, v in entity.items() if isinstance(v, list) and len(v) == 1}
    return {k: v for k, v in (entity | lone).items() if v != []}


def _descriptor() -> Entity:
    return {
        "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
        "conformsTo": [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
        ],
    }  # fmt: skip


def _root(facts: RunFacts, parts: list[Entity]) -> Entity:
    return {
        "@id": "./", "@type": "Dataset",
        "name": f"wildpaper {facts.version}, run of the preset {facts.preset}",
        "description": (
            f"{facts.purpose} The licence is that of the code and of what it wrote; data sets and "
            "models have licences of their own and are not part of the crate."
        ).strip(),
        "datePublished": facts.times[1], "license": {"@id": _MIT},
        "author": {"@id": _AUTHORS}, "publisher": {"@id": _AUTHORS},
        "conformsTo": [{"@id": profile} for profile in PROFILES],
        "mainEntity": reference(facts.workflow),
        "hasPart": [reference(part) for part in parts],
        "mentions": [
            {"@id": "#run"},
            *(reference(one) for one in _named(facts.data, "#data-")
              + _named(facts.models, "#model-")),
        ],
    }  # fmt: skip


def _named(entities: list[Entity], beginning: str) -> list[Entity]:
    return [one for one in entities if one["@id"].startswith(beginning)]


def _data_sets(facts: RunFacts) -> list[Entity]:
    return [one for one in _named(facts.data, "#data-") if "hasPart" in one]


def _contexts(facts: RunFacts) -> list[Entity]:
    profiles = [
        {"@id": name, "@type": "CreativeWork", "name": title, "version": version}
        for name, (title, version) in PROFILES.items()
    ]
    return [
        *profiles,
        {"@id": _MIT, "@type": "CreativeWork", "name": "MIT", "identifier": _MIT},
        {"@id": _AUTHORS, "@type": "Organization", "name": "The wildpaper contributors"},
        {
            "@id": _LANGUAGE, "@type": "ComputerLanguage", "name": "Snakemake",
            "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
            "url": {"@id": "https://snakemake.readthedocs.io"}, "version": facts.snakemake,
        },
    ]  # fmt: skip


def _workflow(facts: RunFacts, parameters: list[Entity]) -> Entity:
    inputs = [one for one in parameters if one["@id"].startswith("#input-")]
    outputs = [one for one in parameters if one["@id"].startswith("#output-")]
    return facts.workflow | {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "wildpaper: the paper on WildChat, recomputed",
        "version": facts.version,
        "programmingLanguage": {"@id": _LANGUAGE},
        "license": {"@id": _MIT},
        "author": {"@id": _AUTHORS},
        "conformsTo": {"@id": f"{_BIOSCHEMAS}ComputationalWorkflow/1.0-RELEASE"},
        "input": [reference(one) for one in inputs],
        "output": [reference(one) for one in outputs],
    }


def _action(facts: RunFacts, outputs: list[Entity]) -> Entity:
    start, end = facts.times
    data = _data_sets(facts)
    files = [part for one in data for part in one["hasPart"]]
    return {
        "@id": "#run", "@type": "CreateAction", "name": f"Run of the preset {facts.preset}",
        "description": (
            f"Snakemake {facts.snakemake}, configuration {facts.config_digest}. From the first to "
            "the last job whose output is part of the run; a run that was interrupted or built "
            "upon an earlier one has pauses."
        ),
        "instrument": reference(facts.workflow), "agent": {"@id": _AUTHORS},
        "startTime": start, "endTime": end,
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "object": [
            *(reference(one) for one in (*facts.configuration, *data)), *files,
            *(reference(one) for one in _named(facts.models, "#model-")),
        ],
        "result": [reference(one) for one in outputs],
    }  # fmt: skip


def _result(one: Entity) -> Entity:
    """Return a file that the run made, from its entry in the manifest."""
    route = f", route {one['route']}" if one["route"] else ""
    entity = {
        "@id": one["path"], "@type": "File", "name": Path(one["path"]).name,
        "description": f"Made by the rule {one['rule']}{route}.",
        "sha256": one["sha256"], "contentSize": str(one["bytes"]),
    } | _format_of(one["path"])  # fmt: skip
    if kind := _kind_of(one["path"]):
        entity["exampleOfWork"] = {"@id": f"#output-{kind}"}
    return entity


def _kind_of(path: str) -> str:
    return next((kind for kind, (part, _) in _KINDS.items() if part in path), "")


def _parameters(facts: RunFacts, outputs: list[Entity]) -> list[Entity]:
    """Return what the workflow takes and gives; marks the configuration as an example."""
    found = []
    if facts.configuration:
        for one in facts.configuration:
            one["exampleOfWork"] = {"@id": "#input-configuration"}
        found.append(_parameter("#input-configuration", "The preset", facts.configuration))
    for kind, (_, title) in _KINDS.items():
        examples = [one for one in outputs if _kind_of(one["@id"]) == kind]
        if examples:
            found.append(_parameter(f"#output-{kind}", title, examples))
    return found


def _parameter(name: str, description: str, examples: list[Entity]) -> Entity:
    return {
        "@id": name, "@type": "FormalParameter", "additionalType": "File",
        "name": name.partition("-")[2], "description": description,
        "conformsTo": {"@id": f"{_BIOSCHEMAS}FormalParameter/1.0-RELEASE"},
        "workExample": [reference(one) for one in examples],
    }  # fmt: skip
