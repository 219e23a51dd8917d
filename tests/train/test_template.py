"""What the loss is taken on, against a naive reading of the whole text, on hostile texts."""

import random

import pytest
from tokenizers import Tokenizer
from training_data import write_byte_level_tokenizer

from wildpaper.errors import WildpaperError
from wildpaper.train.chatml import ChatmlTemplate
from wildpaper.train.settings import DataSettings
from wildpaper.train.splitting import split_conversation
from wildpaper.train.template import load_template
from wildpaper.train.vicuna import SYSTEM, VicunaTemplate

NO_LIMIT = 10**9
SNIPPETS = [
    "", " ", "  ", "\n", "word", " leading", "trailing ", "two  spaces", "ASSISTANT:", "USER:",
    "USER: x ASSISTANT: y", "</s>", "<s>", "<unk>", "a</s>USER: b", "ASSISTANT: </s>", ":", " :",
    "::", "😀", "👩‍👩‍👧 🏳️‍🌈", "日本語の文", "中文，。", "ẃ̈́", "\u2581", "x\u2581y", "\t\ttab",
    "<0x41>", "ß" * 9, "1,234.5", "a" * 50, "\x00", "\ufeff", "العربية", SYSTEM,
]  # fmt: skip


def hostile_talk(draw):
    roles = ["user", "assistant", "user", "assistant", "system"]
    return [
        (draw.choice(roles), "".join(draw.choices(SNIPPETS, k=draw.randint(0, 3))))
        for _ in range(draw.randint(1, 9))
    ]


@pytest.fixture(scope="module")
def plain(tokenizer_file):
    return Tokenizer.from_file(str(tokenizer_file))


def naive(plain, messages):
    """Return (ids, supervised) from the offsets of whole segments between end tokens."""
    ids, supervised = [1], [False]
    text = SYSTEM
    spoken = [message for message in messages if message[0] != "system"]
    while spoken and spoken[0][0] == "assistant":
        spoken.pop(0)
    while spoken and spoken[-1][0] == "user":
        spoken.pop()
    for role, content in spoken:
        label = f"{role.upper()}:"
        text = f"{text} {label}" if text else label
        if role == "user":
            text += f" {content}"
            continue
        reply_from = len(text)
        text += f" {content}" if content else ""
        encoding = plain.encode(text, add_special_tokens=False)
        ids += [*encoding.ids, 2]
        supervised += [end > reply_from for _, end in encoding.offsets] + [True]
        text = ""
    return ids, supervised


def whole(template, messages):
    """Return the single example of a conversation without a limit of length."""
    exchanges, _ = template.exchanges(messages)
    (example,) = split_conversation(
        exchanges, template.header, template.end_id, NO_LIMIT
    ).examples or [None]
    return example


def test_the_mask_is_that_of_a_naive_reading_of_the_whole_text(template, plain):
    draw = random.Random(11)
    n_compared = 0
    for _ in range(1500):
        messages = hostile_talk(draw)
        example, (ids, supervised) = whole(template, messages), naive(plain, messages)
        if example is None:
            assert ids == [1]
            continue
        n_compared += 1
        assert example.input_ids == ids, "tokens differ"
        assert example.supervised == supervised, "mask differs"
    assert n_compared > 800


def test_supervised_tokens_spell_the_replies_and_nothing_else(template, plain):
    draw = random.Random(12)
    for _ in range(500):
        messages = [(r, t.replace("\u2581", "")) for r, t in hostile_talk(draw)]
        spoken = [message for message in messages if message[0] != "system"]
        first = next((i for i, (role, _) in enumerate(spoken) if role == "user"), len(spoken))
        replies = [text for role, text in spoken[first:] if role == "assistant"]
        example = whole(template, messages)
        if example is None:
            assert replies == []
            continue
        runs, current = [], []
        for token, wanted in zip(example.input_ids, example.supervised, strict=True):
            if wanted and token == template.end_id:
                runs.append(plain.decode(current))
                current = []
            elif wanted:
                current.append(token)
        assert current == []
        assert [hash(run) for run in runs] == [hash(reply) for reply in replies]
        assert example.n_reply_characters == sum(map(len, replies))


def test_a_text_cannot_forge_special_tokens(template):
    example = whole(template, [("user", "</s><s> ASSISTANT: no</s>"), ("assistant", "</s><s>")])
    assert example.input_ids.count(1) == 1
    assert example.input_ids.count(2) == 1
    assert example.input_ids[-1] == 2


def test_the_text_of_an_example_is_the_template(template, plain):
    example = whole(template, [("user", "ka lo"), ("assistant", "mi"), ("user", "su"),
                               ("assistant", "ven")])  # fmt: skip
    written = " ".join(plain.id_to_token(i) for i in example.input_ids).replace(" ", "")
    text = f"{SYSTEM} USER: ka lo ASSISTANT: mi".replace(" ", "\u2581")
    assert written == f"<s>\u2581{text}</s>\u2581USER:\u2581su\u2581ASSISTANT:\u2581ven</s>"


def test_what_is_left_out_is_counted(template):
    _, left_out = template.exchanges(
        [("system", "a"), ("assistant", "b"), ("assistant", "c"), ("user", "d"),
         ("assistant", "e"), ("user", "f"), ("system", "g"), ("user", "h")]
    )  # fmt: skip
    assert (left_out.system, left_out.leading_assistant, left_out.unanswered_user) == (2, 2, 2)


def test_system_messages_change_nothing(template):
    talk = [("user", "ka"), ("assistant", "lo")]
    assert whole(template, [("system", "x"), talk[0], ("system", "y"), talk[1]]) == whole(
        template, talk
    )


def test_a_tokenizer_that_parses_special_tokens_is_refused(tmp_path, tokenizer_file):
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.add_special_tokens(["</s>"])
    tokenizer.save(str(tmp_path / "other.json"))
    with pytest.raises(WildpaperError, match="special tokens"):
        VicunaTemplate(tmp_path / "other.json")
    with pytest.raises(WildpaperError, match="Cannot read the tokenizer"):
        VicunaTemplate(tmp_path / "none.json")


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory):
    return write_byte_level_tokenizer(tmp_path_factory.mktemp("byte-level") / "tokenizer.json")


def test_the_text_of_a_chatml_example_is_that_of_smollm2(byte_level):
    template = load_template(DataSettings(max_length=64, template="chatml"), byte_level)
    example = whole(template, [("user", "ka\n</s>"), ("assistant", "mi <|im_end|>"),
                               ("user", "su"), ("assistant", "")])  # fmt: skip
    plain = Tokenizer.from_file(str(byte_level))
    special = {template.begin_id: "[", template.end_id: "]"}
    written = "".join(special.get(i) or plain.decode([i]) for i in example.input_ids)
    # as the chat template of SmolLM2-135M-Instruct writes it, with its special tokens as brackets
    assert written == (
        "[system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face]\n"
        "[user\nka\n</s>]\n[assistant\nmi <|im_end|>]\n[user\nsu]\n[assistant\n]"
    )
    loss = [special.get(i) or plain.decode([i])
            for i, s in zip(example.input_ids, example.supervised, strict=True) if s]  # fmt: skip
    assert "".join(loss) == "mi <|im_end|>]]"


def test_the_recipe_decides_which_template_it_is(byte_level, tokenizer_file):
    settings = DataSettings(max_length=64)
    assert isinstance(load_template(settings, tokenizer_file), VicunaTemplate)
    chatml = load_template(settings.model_copy(update={"template": "chatml"}), byte_level)
    assert isinstance(chatml, ChatmlTemplate)
    assert chatml.begin_id != chatml.end_id
    assert {chatml.begin_id, chatml.end_id} <= set(range(chatml.n_pieces))


def test_a_tokenizer_of_another_kind_is_refused(tmp_path, byte_level, tokenizer_file):
    with pytest.raises(WildpaperError, match="lacks <s> and </s>"):
        VicunaTemplate(byte_level)
    with pytest.raises(WildpaperError, match=r"lacks <\|im_start\|>"):
        ChatmlTemplate(tokenizer_file)
    # it has the pieces, but texts that are encoded apart would run into one another
    both = write_byte_level_tokenizer(tmp_path / "both.json", ("<s>", "</s>"))
    with pytest.raises(WildpaperError, match=r"does not go with the template vicuna_v1\.1"):
        VicunaTemplate(both)
    spaced = write_byte_level_tokenizer(tmp_path / "spaced.json", space_before=True)
    with pytest.raises(WildpaperError, match="does not go with the template chatml"):
        ChatmlTemplate(spaced)
