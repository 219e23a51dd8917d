"""Have the public validator check a crate offline: python tools/validate_crate.py CRATE.

It runs in an environment of its own (`make validator`), whose packages would not go together with
those of the workflow. CRATE is a folder or a zip; prints what is required and missing, if anything.
"""

import json
import sys
import tempfile
from pathlib import Path

import rocrate
from requests_cache import CachedRequest, CachedResponse, CachedSession
from rocrate_validator import models, services

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "workflow-run-crate-0.5"


def context() -> bytes:
    """Return the context of RO-Crate 1.1, which the package rocrate 0.13.0 holds."""
    content = (Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_bytes()
    if json.loads(content)["@id"] != CONTEXT:
        sys.exit("rocrate holds another context: rocrate==0.13.0 has that of RO-Crate 1.1")
    return content


def keep_context(cache: str) -> None:
    """Put the context where the validator looks before it would ask for it."""
    with CachedSession(cache_name=cache, backend="sqlite", expire_after=-1) as session:
        asked = CachedRequest(method="GET", url=CONTEXT)
        kind = {"Content-Type": "application/ld+json"}
        answer = CachedResponse(
            status_code=200, url=CONTEXT, content=context(), headers=kind, request=asked
        )
        session.cache.save_response(answer)


def issues(crate: str) -> list[str]:
    """Return what the profile requires and the crate lacks."""
    with tempfile.TemporaryDirectory() as folder:
        cache = str(Path(folder, "http"))
        keep_context(cache)
        settings = services.ValidationSettings(
            rocrate_uri=crate, profile_identifier=PROFILE,
            requirement_severity=models.Severity.REQUIRED, offline=True, cache_path=cache,
            skip_availability_check=True,
        )  # fmt: skip
        found = services.validate(settings).get_issues()
        return [f"{issue.check.identifier}: {issue.message}" for issue in found]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = issues(sys.argv[1])
    print("\n".join(found) or f"{sys.argv[1]}: nothing that {PROFILE} requires is missing")
    sys.exit(1 if found else 0)
