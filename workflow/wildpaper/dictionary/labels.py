"""What the columns of labels mean: tables beside the messages."""

from wildpaper.dictionary.forms import KEY, Table
from wildpaper.schema import LABELS, embedding_schema

_SHARDED = "<data set>-<shard>.parquet"

HEADS = {
    "toxicity": "Detoxify's score for toxicity, from 0 to 1; the paper's threshold is 0.1.",
    "severe_toxicity": "Its score for severe toxicity.",
    "obscene": "Its score for obscenity.",
    "threat": "Its score for threats.",
    "insult": "Its score for insults.",
    "identity_attack": "Its score for attacks on an identity.",
    "sexual_explicit": "Its score for sexual content; null where the model has no such head.",
    "truncated": "Whether the model read the beginning of the text only.",
}
"""What the heads of Detoxify mean."""

_LANGUAGE = {
    "language": "English name of the language in title case; `Nolang` for blank text.",
    "confidence": "The detector's confidence in it, from 0 to 1.",
}
_CATEGORIES = {
    "harassment": "harassment",
    "harassment_threatening": "harassment with threats",
    "hate": "hate",
    "hate_threatening": "hate with threats",
    "self_harm": "self-harm",
    "self_harm_instructions": "instructions for self-harm",
    "self_harm_intent": "intent of self-harm",
    "sexual": "sexual content",
    "sexual_minors": "sexual content on minors",
    "violence": "violence",
    "violence_graphic": "graphic violence",
}
MODERATION = (
    {"flagged": "Whether the moderation service flags the message."}
    | {name: f"Whether it flags {what}." for name, what in _CATEGORIES.items()}
    | {f"{name}_score": f"Its score for {what}, from 0 to 1." for name, what in _CATEGORIES.items()}
)
"""What the moderation labels mean."""


def _labels(label: str, rules: tuple[str, ...], about: str, meanings: dict[str, str]) -> Table:
    file = f"annotate/{label}@<route>/{_SHARDED}"
    return Table(file, rules, about, KEY | meanings, LABELS[label])


LABEL_TABLES = (
    _labels("tokens", ("count_tokens",), "Tokens of each message.",
            {"n_tokens": "Llama-2 tokens of the text, without marks of beginning and end."}),
    _labels("language", ("detect_languages", "detect_language", "keep_recorded_{_name}"),
            "Language of each message: detected by lingua, or recorded.", _LANGUAGE),
    _labels("detoxify", ("score_detoxify", "score_toxicities", "keep_recorded_{_name}"),
            "Scores of Detoxify for each message.", HEADS),
    _labels("moderation", ("replay_moderation", "keep_recorded_{_name}"),
            "What the moderation service said of each message.", MODERATION),
    _labels("jailbreak", ("match_jailbreaks",), "Known jailbreak prompts among user messages.",
            {"family": "Name of the prompt (`data/jailbreaks.yaml`); null if it is none."}),
    _labels("category", ("classify_prompts",),
            "Categories of a sample of first user messages in English.",
            {"category": "Category of the prompt (`data/categories.yaml`).",
             "probability": "The classifier's probability of it, from 0 to 1."}),
    _labels("near_duplicate", ("find_near_duplicates",),
            "Clusters of nearly equal user messages of a data set.",
            {"cluster": "Number of the cluster; null for one that is like no other."}),
    _labels("detoxify_check", ("check_detoxify",),
            "Scores computed anew of a sample whose scores are recorded.", HEADS),
    _labels("language_check", ("check_language",),
            "Language detected anew of a sample whose language is recorded.",
            _LANGUAGE | {
                "n_characters": "Code points of the text without blank space at both ends.",
                "n_languages": "Languages that lingua finds in it; 0 where it was not asked."}),
    Table(
        f"annotate/embedding@<route>/{_SHARDED}", ("embed_prompts",),
        "Embeddings of a sample of first user messages.",
        KEY | {"vector": "The embedding, of length 1; its width is the model's (here 384)."},
        embedding_schema(384),
    ),
)  # fmt: skip
"""All labels."""
