"""The data card of a release: what the Hub reads, and what a reader should know."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.config_release import LinkingConfig, RedactionConfig, ReleaseConfig
from wildpaper.release.published_counts import VariantCounts, by_count
from wildpaper.release.published_features import fields_table
from wildpaper.release.published_front_matter import front_matter

Variant = Literal["full", "public"]
_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card tells of one variant of a release."""

    variant: Variant
    counts: VariantCounts
    n_file_bytes: int
    simulated: bool
    licence: str
    toxic_threshold: float
    settings: ReleaseConfig
    annotators: dict[str, str]


def data_card(facts: CardFacts) -> str:
    """Return a data card (``README.md``) in Markdown, which holds no date of today.

    Parameters
    ----------
    facts : CardFacts
        Counts of the variant and how it was made.
    """
    kind = "full" if facts.variant == "full" else "without toxic conversations"
    made = "Simulated WildChat" if facts.simulated else "WildChat from own raw logs"
    name = f"{made}, {kind}"
    head = front_matter(name, facts.counts, facts.n_file_bytes, facts.licence, facts.simulated)
    linking, redaction = facts.settings.linking, facts.settings.redaction
    parts = [
        f"# {name}",
        *_warnings(facts),
        _numbers(facts),
        f"## How it was made\n\n{_consent(linking)}\n\n{_linking(linking)}\n\n{_labels(facts)}",
        f"## What is hidden and what is not\n\n{_redacted(facts.counts, redaction)}\n\n"
        f"{_addresses(linking)}",
        f"## Fields\n\n{fields_table()}",
        f"## Limits\n\n{_limits(facts)}",
        f"## How to withdraw\n\n{_withdrawal(facts.simulated, linking)}",
        f"## Licence and citation\n\n{_licence(facts)}",
    ]
    return head + "\n" + "\n\n".join(parts) + "\n"


def _warnings(facts: CardFacts) -> list[str]:
    found = []
    if facts.simulated:
        found.append(
            "> **Simulated.** A program wrote these conversations to test the pipeline. No person "
            "took part, and nothing about people follows from them."
        )
    if facts.variant == "full":
        found.append(
            f"> **Toxic content** in {_n(facts.counts.n_toxic, 'conversation')} of this variant, "
            "which may offend or disturb: insults, hatred, sexual content, violence. Do not show "
            "it to people unasked, and do not train on it without thought."
        )
    return found


def _numbers(facts: CardFacts) -> str:
    counts = facts.counts
    languages = [(name, n) for name, n in by_count(counts.languages) if name != NO_LANGUAGE]
    rows = [
        ("conversations", f"{counts.n_conversations:,}"),
        ("turns", f"{counts.n_turns:,}"),
        ("messages", f"{counts.n_messages:,}"),
        ("hashed addresses", f"{len(counts.users):,}"),
        ("languages of messages", f"{len(languages):,}"),
        ("first and last turn (UTC)", f"{_day(counts.first)}, {_day(counts.last)}"),
    ]
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
    listed = [
        _listing("Conversations by model", by_count(counts.models)),
        _listing("Messages by language", languages),
    ]
    return "\n\n".join([table, *filter(None, listed)])


def _listing(what: str, found: list[tuple[str, int]]) -> str:
    if not found:
        return ""
    told = ", ".join(f"{_plain(name)} {n:,}" for name, n in found[:_MOST_LISTED])
    rest = len(found) - _MOST_LISTED
    return f"{what}: {told}{f', and {rest:,} more' if rest > 0 else ''}."


def _consent(linking: LinkingConfig) -> str:
    reach = (
        "all conversations from every address that the session used"
        if linking.withdrawal == "address"
        else "all conversations of the session"
    )
    return (
        "Each user agreed to the collection, and then, in a step of its own, to the publication. "
        "A conversation is here only if every session in it took both steps before its first "
        f"turn. A withdrawal drops {reach}."
    )


def _linking(linking: LinkingConfig) -> str:
    same = "client and model" if linking.same_model else "client"
    address = (
        "from the same address, or, where there is none, from another"
        if linking.across_addresses
        else "from the same address"
    )
    parents = (
        "A call that was continued once is not continued again, so edits and second answers in "
        "the midst of a chat are left out."
        if linking.continued_parents == "refuse"
        else "After an edit or a second answer the branches are conversations of their own, and "
        "repeat their beginning."
    )
    pause = (
        ""
        if linking.within_hours is None
        else f" Between two turns lie at most {linking.within_hours:g} hours."
    )
    missing = (
        "A conversation whose beginning is missing is left out."
        if linking.missing_turn == "discard"
        else "Of a conversation whose beginning is missing the rest is kept."
    )
    return (
        "The service logs each call with all messages so far. A call continues the latest earlier "
        f"one of the same {same} that holds the same messages up to the last exchange, {address}. "
        f"{parents}{pause} {missing} Conversations of the WildBench benchmark are left out."
    )


def _labels(facts: CardFacts) -> str:
    made = ", ".join(f"{label} by `{_plain(by)}`" for label, by in facts.annotators.items() if by)
    blank = " or holds white space only" if facts.settings.blank_texts == "ignore" else ""
    minors = (
        " Conversations in which the moderation labels flag sexual content on minors are removed."
        if facts.settings.sexual_minors == "remove"
        else " **Conversations in which the moderation labels flag sexual content on minors are "
        "not removed.**"
    )
    public = (
        " Conversations with a toxic message are left out of this variant."
        if facts.variant == "public"
        else ""
    )
    return (
        f"Labels were made before anything was redacted{f': {made}' if made else ''}. A message "
        "is toxic if the moderation labels flag it or its Detoxify toxicity is above "
        f"{facts.toxic_threshold:g}; it never is if it is empty{blank}.{minors}{public}"
    )


def _redacted(counts: VariantCounts, redaction: RedactionConfig) -> str:
    languages = ", ".join(sorted(_plain(name) for name in redaction.name_models)) or "no language"
    patterns = (
        "in all languages"
        if redaction.patterns == "all"
        else f"in messages in these languages only: {languages}"
    )
    keys = (
        "Keys and passwords of known services stand as `<DETECT_SECRETS_REDACTED_…>`."
        if redaction.secrets
        else "Keys and passwords were **not** looked for."
    )
    return (
        f"Redacted: {_n(counts.n_redacted_messages, 'message')} in "
        f"{_n(counts.n_redacted, 'conversation')}. Names, mail addresses, telephone and "
        "card numbers and links to profiles stand as `<PRESIDIO_ANONYMIZED_…>`: names in messages "
        f"in {languages}, the others {patterns}. {keys}\n\n"
        "Rules decide what is personal, so that characters of novels and well-known numbers stay: "
        "a value that occurs in many conversations is kept, and so is a name, a telephone or a "
        "card number without a cue beside it. Names in other languages, postal addresses, "
        "employers, health and all else that a text may tell of a person are **not** redacted. "
        "Expect that some personal information is left."
    )


def _addresses(linking: LinkingConfig) -> str:
    how = (
        "SHA-256 over a secret salt and the address"
        if linking.address_hash == "sha256"
        else "HMAC-SHA-256 of the address with a secret key"
    )
    return (
        f"Addresses are published as {how} only, and country and state as the database of places "
        "in force at the time knew them. A hash stands for an address, not for a person. The "
        "headers that name browser and language are published as they were sent."
    )


def _limits(facts: CardFacts) -> str:
    choice = facts.settings
    turn = "last" if choice.timestamp == "last" else "first"
    places = (
        "turns without a place count as a place"
        if choice.unknown_places == "count"
        else "turns without a place do not count"
    )
    nolang = (
        f"messages without a language count as `{NO_LANGUAGE}`"
        if choice.nolang == "count"
        else "messages without a language do not count"
    )
    return "\n".join(
        [
            "- Who uses a free chat service and agrees to be published is not a sample of people.",
            "- Detoxify reads the first 512 tokens of a message and knows seven languages; "
            "language, moderation and toxicity labels err, most in short messages.",
            "- An address may be shared, change, or belong to a proxy; places are those of "
            "addresses.",
            f"- The time of a conversation is that of its {turn} turn. Where the most frequent "
            f"value is taken, {places}, and {nolang}; of equally frequent ones the first is taken.",
            "- Two people who sent the same messages from alike browsers may stand in one "
            "conversation.",
        ]
    )


def _withdrawal(simulated: bool, linking: LinkingConfig) -> str:
    if simulated:
        return "There is nobody to withdraw: the logs are simulated."
    reach = (
        "that session and of every address that it used"
        if linking.withdrawal == "address"
        else "that session"
    )
    return (
        "Tell whoever published this release, from the browser that you used. They add a line "
        "`withdraw` for your session to the log of consents; the next release lacks every "
        f"conversation of {reach}. Whoever holds an older copy should replace it by the newest."
    )


def _licence(facts: CardFacts) -> str:
    licence = _plain(facts.licence)
    return (
        f"Licence as stated for the raw logs: {licence}. The schema is that of WildChat-1M; the "
        "way it was made follows [WildChat: 1M ChatGPT Interaction Logs in the Wild]"
        "(https://arxiv.org/abs/2405.01470) (ICLR 2024)."
    )


def _n(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _day(time: datetime | None) -> str:
    return "none" if time is None else time.date().isoformat()


def _plain(text: str) -> str:
    """Return a text from outside on one line, without what Markdown reads as its own."""
    return " ".join(re.sub(r"[^\w .:/+@-]+", " ", text).split())[:80] or "unnamed"
