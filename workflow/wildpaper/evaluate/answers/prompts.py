"""What a model is shown: the tokens of a conversation, up to where its reply begins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import jinja2
import transformers
from tokenizers import Tokenizer

from wildpaper.errors import WildpaperError
from wildpaper.train.exchange import Message
from wildpaper.train.settings import DataSettings
from wildpaper.train.template import load_template

_TODAY = "26 Jul 2024"
"""What templates that print a date take by default (Llama 3): answers do not hang on the day."""


class Prompter(Protocol):
    """What stands between texts and the tokens of a model."""

    stop_ids: tuple[int, ...]
    """Tokens that end a reply."""
    n_pieces: int
    """Size of the vocabulary."""

    def prompt_ids(self, history: Sequence[Message]) -> list[int]:
        """Return the tokens before the reply to a conversation, whose last message is the user's.

        Raises
        ------
        WildpaperError
            If the template of the model does not take the conversation.
        """

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a reply, without tokens that stand for no text."""


class TemplatePrompter:
    """Writes conversations as training does, token by token.

    Parameters
    ----------
    settings : DataSettings
        Of the recipe: they name the template.
    tokenizer : Path
        ``tokenizer.json``, the one that the recipe names.

    Raises
    ------
    WildpaperError
        If the tokenizer cannot be read, or does not go with the template.
    """

    def __init__(self, settings: DataSettings, tokenizer: Path) -> None:
        self._template = load_template(settings, tokenizer)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self.stop_ids: tuple[int, ...] = (self._template.end_id,)
        self.n_pieces = self._template.n_pieces

    def prompt_ids(self, history: Sequence[Message]) -> list[int]:
        """Return the header, whole exchanges, and the prompt of the one to be completed."""
        exchanges, _ = self._template.exchanges([*history, ("assistant", "")])
        replies = [reply for exchange in exchanges for reply in exchange]
        ids = list(self._template.header)
        for reply in replies[:-1]:
            ids += [*reply.prompt, *reply.reply, self._template.end_id]
        return ids + replies[-1].prompt

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens; those that a template places by their ids are left out."""
        placed = {self._template.begin_id, self._template.end_id}
        return str(self._tokenizer.decode([token for token in ids if token not in placed]))


class ChatPrompter:
    """Writes conversations as a model of Hugging Face wants them: its own chat template.

    Parameters
    ----------
    place : str
        A folder, or a model on the hub.
    revision : str, optional
        Of a model on the hub: the commit.
    local : bool
        Whether it is a folder; nothing is fetched then.

    Raises
    ------
    WildpaperError
        If there is no tokenizer, or it has no chat template.

    Notes
    -----
    Code that comes with a model is not run. A template that asks for the date is given one
    that stays the same, as far as it takes one.
    """

    def __init__(self, place: str, revision: str | None = None, local: bool = True) -> None:
        self._place = place
        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                place,
                revision=revision or "main",
                local_files_only=local,
                trust_remote_code=False,
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            said = (str(error) or type(error).__name__).splitlines()[0]
            raise WildpaperError(
                f"Cannot load the tokenizer of the model: {said}",
                where=place,
                hint="The folder must hold tokenizer.json and tokenizer_config.json; models on "
                "the hub may need the network, accepted terms and HF_TOKEN.",
            ) from None
        if not self._tokenizer.chat_template:
            raise WildpaperError(
                "The tokenizer of the model has no chat template",
                where=place,
                hint="Choose a chat model, put a file chat_template.jinja into a local copy, or "
                "name the recipe and tokenizer whose template it was trained with.",
            )
        end = self._tokenizer.eos_token_id
        self.stop_ids: tuple[int, ...] = () if end is None else (int(end),)
        self.n_pieces = len(self._tokenizer)

    def prompt_ids(self, history: Sequence[Message]) -> list[int]:
        """Return what the chat template makes of a conversation."""
        messages = [{"role": role, "content": text} for role, text in history]
        try:
            ids = self._tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_dict=False, date_string=_TODAY
            )
        except (jinja2.TemplateError, ValueError, TypeError) as error:
            raise WildpaperError(
                f"The chat template of the model takes no conversation of {len(messages)} messages "
                f"({type(error).__name__})",
                where=self._place,
            ) from None
        return [int(token) for token in ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))
