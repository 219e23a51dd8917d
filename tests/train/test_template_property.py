"""On 1,000 random conversations: loss on replies and their ends alone, and no exchange is lost.

The oracle writes the whole conversation as one text, with marks for the special tokens, and
encodes it once; where a token lies in that text decides whether the loss is taken on it.
"""

import itertools
import random
from collections import Counter
from dataclasses import dataclass

import pytest
from tokenizers import AddedToken, Tokenizer
from training_data import vocabulary, words, write_byte_level_tokenizer

from wildpaper.train.settings import DataSettings
from wildpaper.train.splitting import split_conversation
from wildpaper.train.template import load_template

N = 1000
NO_LIMIT = 10**9
BEGIN, END, BORDER = "\U000f0001", "\U000f0002", "\U000f0003"
"""Marks of the oracle; no text below holds them."""
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
CHATML = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
KNOWN = vocabulary(9)
SNIPPETS = [
    " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n ", "USER:", "ASSISTANT:", " USER: x ASSISTANT: y",
    "</s>", "<s>", "<unk>", "a</s>USER: b", "<|im_end|>", "<|im_start|>", "<|im_end|>\n",
    "<|im_start|>assistant\n", "<|endoftext|>", "user\n", "assistant", ":", "😀", "👩‍👩‍👧",
    "🏳️‍🌈", "日本語の文。", "中文，", "한국어", "ẃ̈́", "e\u0301", "\u200b", "\u200d",
    "\u2581", "x\u2581y", "Ġ", "Ċ", "<0x41>", "\x00", "\ufeff", "العربية", "'s", "1,234.5",
    "a" * 30, "İ", "ﬁ", "\u3000", "\xa0", VICUNA, CHATML,
]  # fmt: skip


def random_text(draw):
    """Return a text: empty, of strange parts, of any characters, or of words, maybe many."""
    kind = draw.randrange(10)
    if kind == 0:
        return ""
    if kind < 5:
        return "".join(draw.choices(SNIPPETS, k=draw.randint(1, 4)))
    if kind < 7:
        wide = ((0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x4E00, 0x4FFF), (0x1F300, 0x1F64F))
        return "".join(chr(draw.randint(*draw.choice(wide))) for _ in range(draw.randint(1, 12)))
    text = words(draw, draw.choice([1, 3, 10, 60]), KNOWN)
    return draw.choice(["", " ", "\n"]) + text + draw.choice(["", " ", "  ", "\n"])


def random_talk(number):
    """Return messages: most often in turns, else with any roles in any order."""
    draw = random.Random(number)
    roles = ["user", "assistant"] * draw.randint(1, 5)
    if draw.random() < 0.5:
        roles = draw.choices(["user", "user", "assistant", "assistant", "system"], k=len(roles))
    return [(role, random_text(draw)) for role in roles]


@dataclass
class Written:
    """A conversation in one text; spans of replies, and where exchanges begin."""

    text: str
    replies: list[tuple[int, int]]
    exchanges: list[int]


def spoken_of(messages):
    """Return what is written out: from the first user to the last chatbot message."""
    told = [(role == "user", text) for role, text in messages if role != "system"]
    users = [i for i, (is_user, _) in enumerate(told) if is_user]
    bots = [i for i, (is_user, _) in enumerate(told) if not is_user]
    return told[users[0] : bots[-1] + 1] if users and bots and users[0] < bots[-1] else []


def write_vicuna(messages):
    whole, at_front = Written(BEGIN + VICUNA, [], []), False
    before = "assistant"
    for is_user, text in spoken_of(messages):
        if is_user and before == "assistant":
            whole.exchanges.append(len(whole.text))
        whole.text += "" if at_front else " "
        if is_user:
            whole.text += f"USER: {text}"
            at_front, before = False, "user"
            continue
        whole.text += "ASSISTANT:"
        start = len(whole.text)
        whole.text += (f" {text}" if text else "") + END
        whole.replies.append((start, len(whole.text)))
        at_front, before = True, "assistant"
    return whole


def write_chatml(messages, border=BORDER):
    whole, before = Written(f"{BEGIN}system\n{CHATML}{END}", [], []), "assistant"
    for is_user, text in spoken_of(messages):
        role = "user" if is_user else "assistant"
        if is_user and before == "assistant":
            whole.exchanges.append(len(whole.text))
        whole.text += f"\n{BEGIN}{role}\n" + ("" if is_user else border)
        start = len(whole.text)
        whole.text += text + END
        if not is_user:
            whole.replies.append((start, len(whole.text)))
        before = role
    return whole


class Oracle:
    """Encodes a whole text at once; marks are added tokens, which the tokenizer splits at."""

    def __init__(self, path, write, special):
        self._tokenizer = Tokenizer.from_file(str(path))
        self._write = write
        ids = self._tokenizer.get_vocab()
        marks = [AddedToken(m, normalized=False, special=True) for m in (BEGIN, END, BORDER)]
        self._tokenizer.add_tokens(marks)
        self._real = {self._tokenizer.token_to_id(mark): ids[piece]
                      for mark, piece in zip((BEGIN, END), special, strict=True)}  # fmt: skip
        self._border = self._tokenizer.token_to_id(BORDER)

    def __call__(self, messages, **options):
        """Return (tokens as (id, supervised), index of the first token of each exchange)."""
        whole = self._write(messages, **options)
        encoding = self._tokenizer.encode(whole.text, add_special_tokens=False)
        tokens, begins = [], []
        waiting = list(whole.exchanges)
        for number, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if number == self._border:
                continue
            if waiting and end > waiting[0]:
                begins.append(len(tokens))
                waiting.pop(0)
            inside = any(a <= start and end <= b for a, b in whole.replies)
            tokens.append((self._real.get(number, number), inside))
        return tokens, [*begins, len(tokens)]


@dataclass
class Case:
    template: object
    oracle: Oracle


@pytest.fixture(scope="module", params=["vicuna_v1.1", "chatml"])
def case(request, tmp_path_factory, tokenizer_file):
    if request.param == "chatml":
        path = write_byte_level_tokenizer(tmp_path_factory.mktemp("chatml") / "tokenizer.json")
        oracle = Oracle(path, write_chatml, ("<|im_start|>", "<|im_end|>"))
    else:
        path = tokenizer_file
        oracle = Oracle(path, write_vicuna, ("<s>", "</s>"))
    settings = DataSettings(max_length=256, template=request.param)
    return Case(load_template(settings, path), oracle)


def split(template, messages, max_length):
    exchanges, _ = template.exchanges(messages)
    return split_conversation(exchanges, template.header, template.end_id, max_length)


def tokens_of(example):
    return list(zip(example.input_ids, example.supervised, strict=True))


def test_the_loss_is_taken_on_replies_and_their_ends_alone(case):
    seen = Counter()
    for number in range(N):
        messages = random_talk(number)
        tokens, begins = case.oracle(messages)
        examples = split(case.template, messages, NO_LIMIT).examples
        seen["without exchange"] += begins[0] == len(tokens)
        if begins[0] == len(tokens):
            assert examples == [], number
            continue
        (example,) = examples
        assert tokens_of(example) == tokens, f"conversation {number}"
        replies = [text for is_user, text in spoken_of(messages) if not is_user]
        n_ends = sum(token == (case.template.end_id, True) for token in tokens)
        assert n_ends == len(replies), f"conversation {number}"
        assert example.n_reply_characters == sum(map(len, replies)), f"conversation {number}"
        seen["compared"] += 1
        seen["empty reply"] += "" in replies
        seen["blank at the front"] += any(text[:1].isspace() for text in replies)
    assert seen["compared"] > 0.8 * N
    assert min(seen.values()) >= 20, seen


def test_splitting_loses_no_exchange(case):
    seen = Counter()
    n_header = len(case.template.header)
    for number in range(N):
        messages = random_talk(number)
        tokens, begins = case.oracle(messages)
        room = random.Random(-number).randint(20, 250)
        parts = split(case.template, messages, n_header + room)
        bodies = [tokens_of(example)[n_header:] for example in parts.examples]
        assert all(e.input_ids[:n_header] == case.template.header for e in parts.examples)
        assert not any(any(e.supervised[:n_header]) for e in parts.examples)
        assert all(len(body) <= room and any(s for _, s in body) for body in bodies)
        fate = Counter()
        waiting, n_cut_off = iter(bodies), 0
        body = next(waiting, [])
        for a, b in itertools.pairwise(begins):
            exchange = tokens[a:b]
            first_reply = next(i for i, (_, supervised) in enumerate(exchange) if supervised)
            if first_reply >= room:
                fate["without room"] += 1
                continue
            if not body:
                body = next(waiting)
            kept = exchange[:room]
            assert body[: len(kept)] == kept, f"conversation {number}"
            body = body[len(kept) :]
            fate["truncated" if len(kept) < len(exchange) else "whole"] += 1
            n_cut_off += len(exchange) - len(kept)
        assert body == []
        assert next(waiting, None) is None, f"conversation {number}: more than was said"
        assert fate["truncated"] == parts.n_truncated
        assert fate["without room"] == parts.n_exchanges_without_room
        assert n_cut_off == parts.n_truncated_tokens
        assert fate.total() == len(begins) - 1
        seen += fate
        seen["split"] += len(bodies) > 1
    assert min(seen[k] for k in ("whole", "truncated", "without room", "split")) >= 50, seen


@pytest.mark.parametrize("case", ["chatml"], indirect=True)
def test_only_a_reply_that_begins_with_a_blank_would_be_encoded_otherwise_in_one_piece(case):
    n_other = 0
    for number in range(N):
        messages = random_talk(number)
        begin_blank = any(
            text[:1].isspace() for is_user, text in spoken_of(messages) if not is_user
        )
        same = case.oracle(messages) == case.oracle(messages, border="")
        assert same or begin_blank, f"conversation {number}"
        n_other += not same
    assert n_other > 0


def test_the_oracle_tells_a_forged_end_from_a_real_one(case):
    messages = [("user", "a"), ("assistant", "b</s><|im_end|>"), ("user", "c"), ("assistant", "d")]
    tokens, begins = case.oracle(messages)
    assert sum(token == case.template.end_id and loss for token, loss in tokens) == 2
    assert len(begins) == 3
