"""Examples do not depend on shards, obey the cutoff, and held-out prompts stay held out."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from training_data import corpus, day, tiny_recipe, vocabulary, write_shards

from wildpaper.errors import WildpaperError
from wildpaper.processes import worker_pool
from wildpaper.train.examples import EXAMPLES, Examples, read_examples, write_examples
from wildpaper.train.prepare import prepare_training
from wildpaper.train.splitting import Example

KNOWN = vocabulary(6)


@pytest.fixture
def prepare(tmp_path, tokenizer_file):
    """Return a function from conversations to (train, held-out, report, ledger)."""

    def run(name, talks, recipe=None, seed=1, rearrange=None, n_workers=1, **shards):
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
                         seed=seed, n_workers=n_workers)  # fmt: skip
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


def test_the_ledger_adds_up_in_tokens(prepare, tmp_path):
    recipe = tiny_recipe(tmp_path / "short.yaml", data__max_length=64)
    talks = [*corpus(40, 5, KNOWN), [("user", "ka"), ("assistant", "ka " * 200)]]
    train, _, report, ledger = prepare("tokens", talks, recipe)
    tokens = read(ledger)[1]
    data = read_examples(train)
    assert tokens["unit"] == "token"
    assert tokens["kept"] == data.supervised.sum()
    assert tokens["dropped"]["no-loss-on-them"] == len(data.input_ids) - data.supervised.sum()
    assert tokens["dropped"]["truncated"] == read(report)["shares"]["train"]["truncated_tokens"] > 0
    assert tokens["in"] == tokens["kept"] + sum(tokens["dropped"].values())


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


def test_toxic_conversations_can_be_dropped(prepare, tmp_path):
    recipe = tiny_recipe(tmp_path / "clean.yaml", data__toxic="drop")
    labels = [True, False, True, False]
    talks = corpus(33, 4, KNOWN)
    train, held, report, ledger = prepare("clean", talks, recipe, toxic=labels)
    assert numbers(train) | numbers(held) == {1, 3}
    assert read(report)["dropped"] == {"toxic": 2}
    assert read(ledger)[0]["dropped"]["toxic"] == 2
    kept = prepare("kept", talks, toxic=labels)
    assert numbers(kept[0]) | numbers(kept[1]) == {0, 1, 2, 3}


@pytest.mark.parametrize("labels", [None, [False, None, True, None]])
def test_toxic_conversations_are_not_dropped_where_nobody_said_which(prepare, tmp_path, labels):
    recipe = tiny_recipe(tmp_path / "clean.yaml", data__toxic="drop")
    n = labels.count(None) if labels else 4
    with pytest.raises(WildpaperError, match=f"{n} conversations of wildchat have no record"):
        prepare("unknown", corpus(33, 4, KNOWN), recipe, toxic=labels, n_shards=2)
    assert not list(tmp_path.glob("unknown/train-*")), "nothing is written before"


def test_several_processes_write_the_same_files(prepare, monkeypatch):
    talks = corpus(39, 40, KNOWN)
    one = prepare("alone", talks, n_shards=3)
    monkeypatch.setattr("wildpaper.train.prepare._WORTH_A_PROCESS", 1)
    began = []

    def pool(n_workers, *rest):
        began.append(n_workers)
        return worker_pool(n_workers, *rest)

    monkeypatch.setattr("wildpaper.train.prepare.worker_pool", pool)
    two = prepare("together", talks, n_shards=3, n_workers=2)
    assert began == [2]
    for here, there in zip([*one[0], *one[1], *one[2:]], [*two[0], *two[1], *two[2:]], strict=True):
        assert here.read_bytes() == there.read_bytes()
    prepare("one-shard", talks, n_workers=2)
    assert began == [2], "a single shard is not worth a process"


def test_what_is_wrong_in_a_process_is_said_as_without_one(prepare, monkeypatch):
    monkeypatch.setattr("wildpaper.train.prepare._WORTH_A_PROCESS", 1)

    def crossed(paths):
        return paths | {"messages": paths["messages"][::-1]}

    with pytest.raises(WildpaperError, match="do not stand in order") as error:
        prepare("crossed", corpus(38, 9, KNOWN), n_shards=3, rearrange=crossed, n_workers=2)
    assert "Hint" in str(error.value)


def test_equal_first_prompts_have_equal_numbers_that_tell_no_text(prepare, tmp_path):
    talks = [[("assistant", "hello"), ("user", "ka lo"), ("assistant", "one")],
             [("user", "ka lo"), ("assistant", "mi " * 300), ("user", "su"), ("assistant", "b")],
             [("user", "ka lo "), ("assistant", "one")]]  # fmt: skip
    recipe = tiny_recipe(tmp_path / "all.yaml", data__held_out_percent=0)
    data = read_examples(prepare("prompts", talks, recipe, n_shards=2)[0])
    wanted = [hashlib.sha256(text.encode()).digest()[:8] for text in ("ka lo", "ka lo ")]
    same, other = (int.from_bytes(digest, "big") for digest in wanted)
    assert data.conversation_ids.tolist() == [0, 1, 1, 2]
    assert data.first_prompts.tolist() == [same, same, same, other]


def test_examples_are_taken_in_the_order_asked_for_and_as_often(prepare):
    data = read_examples(prepare("take", corpus(40, 30, KNOWN))[0])
    rows = [5, 0, 5, len(data) - 1]
    taken = data.take(rows)
    assert len(taken) == len(rows)
    for i, row in enumerate(rows):
        for here, there in zip(taken.one(i), data.one(row), strict=True):
            assert here.tolist() == there.tolist()
        assert taken.conversation_ids[i] == data.conversation_ids[row]
        assert taken.n_reply_characters[i] == data.n_reply_characters[row]
        assert taken.first_prompts[i] == data.first_prompts[row]
    assert taken.lengths.tolist() == data.lengths[rows].tolist()
    for name in Examples.__slots__:
        assert getattr(data.take(range(len(data))), name).tolist() == getattr(data, name).tolist()
        assert getattr(taken, name).dtype == getattr(data, name).dtype
    assert len(data.take([])) == 0
    assert data.take([]).starts.tolist() == [0]


def test_files_are_merged_by_conversation_and_piece(tmp_path):
    """Conversations of 1,500 examples fill more than one group of rows."""
    paths = [tmp_path / f"{i}.parquet" for i in range(3)]
    for i, path in enumerate(paths[:2]):
        with write_examples(path) as file:
            for number in range(i, 1500, 2):
                pieces = [Example([number, piece]) for piece in range(1 + number % 3)]
                file.add(number, 2**64 - 1 - number, pieces)
    with write_examples(paths[2]):
        pass
    table = pq.read_table(paths[0])  # pieces of a conversation, the last one first
    pq.write_table(table.take(pa.array(range(len(table)))[::-1]), paths[0])
    wanted = [(number, piece) for number in range(1500) for piece in range(1 + number % 3)]
    for order in (paths, paths[::-1]):
        data = read_examples(order)
        assert [tuple(data.one(i)[0].tolist()) for i in range(len(data))] == wanted
        assert data.first_prompts.tolist() == [2**64 - 1 - number for number, _ in wanted]
    assert len(read_examples(paths[2])) == 0


def test_every_conversation_has_one_fate(prepare):
    talks = corpus(34, 200, KNOWN)
    talks += [
        [("user", "alone")],
        [("assistant", "a")],
        [("user", "ka " * 400), ("assistant", "b")],
    ]
    train, held, report, ledger = prepare("fate", talks)
    row = read(ledger)[0]
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
        assert counts["masked_tokens"] == int((~data.supervised).sum())


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
