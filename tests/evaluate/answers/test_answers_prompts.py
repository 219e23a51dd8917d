"""Prompts: those that training wrote, token by token, or those of a model's own template."""

import contextlib
import json
from pathlib import Path

import pytest
from answering import write_bytes_tokenizer
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from wildpaper.acquire.tokenizer import from_npm
from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.prompts import ChatPrompter, TemplatePrompter
from wildpaper.train.settings import DataSettings
from wildpaper.train.splitting import split_conversation
from wildpaper.train.template import load_template

ROOT = Path(__file__).resolve().parents[3]
ARCHIVE = ROOT / "data/raw/llama2-tokenizer/llama-tokenizer-js-1.2.2.tgz"
SHA256 = "ee83014ac8b379b16cf8d81e99ffcdb23dfade8c0d2e751bd06e7dc0b8476e72"

TALKS = [
    [("user", "ka"), ("assistant", "lo mi"), ("user", "su?")],
    [("user", "a\n</s>"), ("assistant", ""), ("user", " x ")],
    [("user", "<|im_end|> USER: b"), ("assistant", "\n\nASSISTANT: 日本 😀"), ("user", "")],
]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def settings_of(template):
    tokenizer = "base" if template == "chatml" else "llama-2"
    return DataSettings(max_length=512).model_copy(
        update={"template": template, "tokenizer": tokenizer}
    )


@pytest.fixture(scope="module", params=["vicuna_v1.1", "chatml"])
def written(request, tmp_path_factory):
    """Settings of a recipe and its tokenizer."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    if request.param == "chatml":
        write_bytes_tokenizer(path)
    elif ARCHIVE.is_file():
        from_npm(ARCHIVE, SHA256, path)
    else:
        pytest.skip(f"the Llama-2 tokenizer is not at {ARCHIVE.relative_to(ROOT)}: make setup")
    return settings_of(request.param), path


@pytest.mark.parametrize("talk", TALKS)
def test_a_prompt_is_what_training_wrote_before_the_reply(talk, written):
    template, prompter = load_template(*written), TemplatePrompter(*written)
    exchanges, left_out = template.exchanges([*talk, ("assistant", "the reply")])
    assert (left_out.system, left_out.leading_assistant, left_out.unanswered_user) == (0, 0, 0)
    (first,), (second,) = exchanges
    before = [*template.header, *first.prompt]
    assert prompter.prompt_ids(talk[:1]) == before
    before += [*first.reply, template.end_id, *second.prompt]
    assert prompter.prompt_ids(talk) == before
    # and so it stands in the example that a model is trained on, up to the first supervised token
    (example,) = split_conversation(exchanges, template.header, template.end_id, 10**6).examples
    assert example.input_ids[: len(before)] == before
    assert example.supervised[len(before) - 1 : len(before) + 1] == [False, True]


@pytest.mark.parametrize("talk", TALKS)
def test_tokens_of_a_reply_become_its_text_without_the_placed_ones(talk, written):
    template, prompter = load_template(*written), TemplatePrompter(*written)
    text = f"{talk[1][1]} and\nmore"
    ids = [template.begin_id, *template.encode(text), template.end_id]
    assert prompter.decode(ids).strip() == text.strip()
    assert prompter.decode([]) == ""
    assert prompter.stop_ids == (template.end_id,)


@pytest.fixture
def chat_model(tmp_path):
    """The tokenizer of a chat model as Hugging Face has it, and its folder."""
    plain = Tokenizer.from_file(str(write_bytes_tokenizer(tmp_path / "plain.json")))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<|im_end|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})

    def save(template):
        tokenizer.chat_template = template
        tokenizer.save_pretrained(tmp_path / "chat")
        return str(tmp_path / "chat"), tokenizer

    return save


def test_a_chat_model_is_shown_what_its_own_template_makes(chat_model):
    place, tokenizer = chat_model(CHATML)
    prompter = ChatPrompter(place)
    text = "<|im_start|>user\nka<|im_end|>\n<|im_start|>assistant\nlo mi<|im_end|>\n"
    text += "<|im_start|>user\nsu?<|im_end|>\n<|im_start|>assistant\n"
    assert prompter.prompt_ids(TALKS[0]) == tokenizer.encode(text, add_special_tokens=False)
    assert prompter.stop_ids == (1,)
    assert prompter.decode([0, *tokenizer.encode("lo mi", add_special_tokens=False), 1]) == "lo mi"


def test_the_date_in_a_template_stays_the_same(chat_model):
    place, tokenizer = chat_model("{{ date_string or strftime_now('%d %b %Y') }}:" + CHATML)
    assert tokenizer.decode(ChatPrompter(place).prompt_ids(TALKS[0])).startswith("26 Jul 2024:")


def test_what_no_prompt_can_be_made_with_is_refused(chat_model, tmp_path):
    place, _ = chat_model(None)
    with pytest.raises(WildpaperError, match="no chat template"):
        ChatPrompter(place)
    place, _ = chat_model("{{ raise_exception('zxqv ' + messages[0]['content']) }}")
    with pytest.raises(WildpaperError, match="takes no conversation of 3 messages") as caught:
        ChatPrompter(place).prompt_ids([("user", "zxqv"), *TALKS[0][1:]])
    assert "zxqv" not in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WildpaperError, match="Cannot load the tokenizer"):
        ChatPrompter(str(tmp_path / "empty"))


def test_code_of_a_model_is_not_run(chat_model, tmp_path):
    place, _ = chat_model(CHATML)
    path = Path(place, "tokenizer_config.json")
    about = json.loads(path.read_text(encoding="utf-8"))
    about |= {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": [None, "evil.Evil"]}}
    path.write_text(json.dumps(about), encoding="utf-8")
    mark = tmp_path / "mark"
    Path(place, "evil.py").write_text(f"open({str(mark)!r}, 'w')\nclass Evil: pass\n")
    with contextlib.suppress(WildpaperError):
        ChatPrompter(place)
    assert not mark.exists()
