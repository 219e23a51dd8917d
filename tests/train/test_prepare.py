"""Examples do not depend on shards, obey the cutoff, and held-out prompts stay held out."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from training_data import corpus, day, tiny_recipe, vocabulary, write_shards

from wildpaper.errors import WildpaperError
from wildpaper.train.examples import EXAMPLES, Examples, read_examples
from wildpaper.train.prepare import prepare_training

KNOWN = vocabulary(6)


@pytest.fixture
def prepare(tmp_path, tokenizer_file):
    """Return a function from conversations to (train, held-out, report, ledger)."""

    def run(name, talks, recipe=None, seed=1, rearrange=None, **shards):
        folder = tmp_path / name
        paths = write_shards(folder / "ingest", talks, **shards)
        if rearrange:
            paths = rearrange(paths)
        recipe = recipe or tiny_recipe(tmp_path / "small.yaml")
        n = len(paths["messages"])
        train, held = ([folder / f"{f}-{i}.parquet" for i in range(n)] for f in ("train", "held"))
        out = [folder / f for f in ("report.json", "ledger.json")]
        prepare_training(**paths, tokenizer=tokenizer_file, recipe=recipe, examples=train,
                         held_out=held, report=out[0], ledger=out[1], dataset="wildchat",
                         seed=seed)  # fmt: skip
        return train, held, *out

    return run


def numbers(paths):
    return set(pq.read_table(paths)["conversation_id"].to_pylist())


def content(prepared):
    """Return all examples, whatever file they stand in, and the bytes of the reports."""
    *shards, report, ledger = prepared
    arrays = [getattr(read_examples(paths), name).tolist() for paths in shards
              for name in Examples.__slots__]  # fmt: skip
    return [*arrays, report.read_bytes(), ledger.read_bytes()]


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_same_examples_for_any_shards_in_any_order(prepare):
    talks = corpus(31, 120, KNOWN)
    one = content(prepare("one", talks))

    def backwards(paths):
        return {kind: listed[::-1] for kind, listed in paths.items()}

    for name, shards in (("three", 3), ("seven", 7)):
        assert content(prepare(name, talks, n_shards=shards)) == one
    assert content(prepare("back", talks, n_shards=4, rearrange=backwards)) == one


def test_the_cutoff_is_the_end_of_its_day_and_conversations_without_time_stay(prepare):
    times = [day("2023-04-09"), day("2023-07-16T23:59:59.999999"), day("2023-07-17"),
             day("2024-01-01"), None]  # fmt: skip
    talks = corpus(32, 5, KNOWN)
    train, held, report, ledger = prepare("cut", talks, timestamps=times)
    assert numbers(train) | numbers(held) == {0, 1, 4}
    assert read(report)["dropped"] == {"after-cutoff": 2}
    assert read(ledger)[0]["dropped"]["after-cutoff"] == 2


def test_without_a_cutoff_all_are_used(prepare, tmp_path):
    recipe = tiny_recipe(tmp_path / "open.yaml", data__cutoff=None)
    train, held, *_ = prepare(
        "open", corpus(32, 5, KNOWN), recipe, timestamps=[day("2024-01-01")] * 5
    )
    assert numbers(train) | numbers(held) == set(range(5))


def test_languages_can_be_chosen(prepare, tmp_path):
    recipe = tiny_recipe(tmp_path / "english.yaml", data__languages=["English"])
    languages = ["English", "German", None, "English"]
    train, held, report, _ = prepare("english", corpus(33, 4, KNOWN), recipe, languages=languages)
    assert numbers(train) | numbers(held) == {0, 3}
    assert read(report)["dropped"] == {"other-language": 2}


def test_every_conversation_has_one_fate(prepare):
    talks = corpus(34, 200, KNOWN)
    talks += [
        [("user", "alone")],
        [("assistant", "a")],
        [("user", "ka " * 400), ("assistant", "b")],
    ]
    train, held, report, ledger = prepare("fate", talks)
    (row,) = read(ledger)
    about = read(report)
    assert row["in"] == about["n_conversations"] == len(talks)
    assert row["in"] == row["kept"] + sum(row["dropped"].values())
    assert row["kept"] == len(numbers(train))
    assert row["dropped"]["held-out"] == len(numbers(held))
    assert row["dropped"]["no-reply"] == 2
    assert row["dropped"]["prompt-fills-context"] == 1
    assert not numbers(train) & numbers(held)
    for share, path in (("train", train), ("held-out", held)):
        data, counts = read_examples(path), about["shares"][share]
        assert counts["examples"] == len(data)
        assert counts["tokens"] == len(data.input_ids)
        assert counts["supervised_tokens"] == int(data.supervised.sum())


def test_about_a_tenth_is_held_out_and_the_seed_decides_which(prepare):
    talks = corpus(35, 600, vocabulary(7, 2000), n_user=4, n_reply=2)
    held = [numbers(prepare(f"seed{seed}", talks, seed=seed)[1]) for seed in (1, 1, 2)]
    assert held[0] == held[1] != held[2]
    # 600 draws at 10 %: the standard deviation is 7.3
    assert 30 < len(held[0]) < 90
    assert len(held[0] & held[2]) < 30


def test_conversations_with_the_same_first_prompt_stay_together(prepare):
    first = corpus(36, 60, KNOWN)
    twins = [[talk[0], ("assistant", "another reply"), ("user", "x"), ("assistant", "y")]
             for talk in first]  # fmt: skip
    _, held, *_ = prepare("twins", first + twins)
    found = numbers(held)
    assert found
    assert {number % 60 for number in found if number < 60} == {n % 60 for n in found if n >= 60}


def test_no_share_is_held_out_if_none_is_wanted(prepare, tmp_path):
    recipe = tiny_recipe(tmp_path / "all.yaml", data__held_out_percent=0)
    _, held, *_ = prepare("all", corpus(37, 50, KNOWN), recipe)
    assert pq.read_table(held).num_rows == 0
    assert pq.read_schema(held[0]).names == EXAMPLES.names


def test_no_text_stands_in_the_files(prepare):
    talks = [[("user", "zanzibarium"), ("assistant", "quixotically")]] * 5
    train, held, *reports = prepare("text", talks)
    for path in (*train, *held, *reports):
        raw = path.read_bytes()
        assert b"zanzibarium" not in raw
        assert b"quixotically" not in raw


def test_shards_that_do_not_belong_together_stop_the_run(prepare):
    talks = corpus(38, 9, KNOWN)

    def crossed(paths):
        return paths | {"messages": paths["messages"][::-1]}

    with pytest.raises(WildpaperError, match="do not stand in order"):
        prepare("crossed", talks, n_shards=3, rearrange=crossed)

    def reversed_rows(paths):
        path = paths["conversations"][0]
        table = pq.read_table(path)
        pq.write_table(table.take(pa.array(range(len(table)))[::-1]), path)
        return paths

    with pytest.raises(WildpaperError, match="do not stand in order"):
        prepare("reversed", talks, rearrange=reversed_rows)

    def surplus(paths):
        pq.write_table(pq.read_table(paths["conversations"][0]).slice(0, 5),
                       paths["conversations"][0])  # fmt: skip
        return paths

    with pytest.raises(WildpaperError, match="without a conversation"):
        prepare("surplus", talks, rearrange=surplus)


def test_another_file_is_no_file_of_examples(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(WildpaperError, match="Not a file of examples"):
        read_examples(tmp_path / "a.parquet")
    with pytest.raises(WildpaperError, match="Cannot read examples"):
        read_examples(tmp_path / "none.parquet")
