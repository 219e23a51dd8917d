"""What the columns of training, evaluation and measured tables mean, and where JSON files are."""

from wildpaper.dictionary.forms import JsonFile, Table

_LOSS = {
    "n_end_tokens": "End tokens among the supervised ones.",
    "nll_nats": "Negative log-likelihood of the tokens of the text, in nats, summed.",
    "nll_end_nats": "That of the end tokens, summed.",
}

MODEL_TABLES = (
    Table(
        "train/<model>/<examples or held-out>-<shard>.parquet",
        ("prepare_training", "prepare_prompts"),
        "One row a training example, by conversation; prompts of the coverage matrix have the same "
        "columns (`train/coverage/<data set>/{prompts,held-out}.parquet`).",
        {
            "conversation_id": "Conversation that it is made of.",
            "first_prompt": "Digest of the first user message: equal prompts have equal numbers.",
            "chunk": "Number among the examples of the conversation, from 0.",
            "input_ids": "Tokens.",
            "supervised": "For each token, whether the model is trained to write it.",
            "n_reply_characters": "Characters of the replies in it.",
        },
        source=("wildpaper.train.examples", "EXAMPLES"),
    ),
    Table(
        "train/data-size/losses.parquet", ("train_data_sizes",),
        "One row a subset of the training data and held-out conversation.",
        {
            "selection": "How the subset was chosen: `random` or `rule`.",
            "size": "Percent of all tokens as a slug (`12-5`), or `all` that pass the rule.",
            "share": "Tokens that it was to have, as a share of all.",
            "n_tokens": "Tokens that it has.",
            "conversation_id": "Held-out conversation.",
            "n_supervised": "Its supervised tokens.",
            "nll_nats": "Their negative log-likelihood under the model trained on the subset, in "
            "nats, summed.",
        },
        source=("wildpaper.train.data_size.losses", "LOSSES"),
    ),
    Table(
        "evaluate/coverage-<data set>.parquet", ("score_coverage_{'_'.join(_names) if "
        "TRAIN_GPUS else 'models'}",),
        "One row a held-out prompt, of each data set, under the model trained on one.",
        {
            "trained_on": "Data set of the model.",
            "evaluated_on": "Data set of the prompt.",
            "conversation_id": "Conversation of the prompt.",
            "first_prompt": "Digest of the prompt: equal prompts have equal numbers.",
            "n_tokens": "Tokens of the text.",
            **_LOSS,
            "n_characters": "Characters of the text.",
            "n_head_tokens": "First tokens of the text that are also summed apart; 0 where the "
            "text has fewer.",
            "head_nats": "Their negative log-likelihood, in nats, summed.",
            "n_vocabulary": "Tokens that the model knows.",
        },
        source=("wildpaper.evaluate.coverage", "SCORES"),
    ),
    Table(
        "evaluate/contamination.parquet", ("find_contamination",),
        "One row a turn of a question and a length of n-grams.",
        {
            "question_id": "Number of the question.",
            "category": "Category of the question.",
            "turn": "Turn of the question, from 1.",
            "ngram": "Tokens of the n-grams that are looked for.",
            "n_tokens": "Tokens of the turn.",
            "n_covered": "Of them in an n-gram that the training data hold.",
            "n_training_tokens": "Tokens that were searched.",
        },
        source=("wildpaper.evaluate.contamination", "OVERLAPS"),
    ),
    Table(
        "evaluate/judgments.parquet", ("judge_answers", "replay_judgments", "ask_judge"),
        "One row a verdict: a graded answer, or two answers compared in one order.",
        {
            "kind": "`single` or `pair`.",
            "question_id": "Number of the question.",
            "category": "Category of the question.",
            "turn": "Turn of the question, from 1.",
            "first": "The model graded, or the first of the pair.",
            "second": "The second model of the pair.",
            "swapped": "Whether the answer of the second model was shown first.",
            "variant": "`plain`, or how the answer was changed to test the judge.",
            "repeat": "0, or how often the same was judged before.",
            "grade": "From 1 to 10; null where there is no verdict that counts.",
            "winner": "`first`, `second` (model, whatever was shown first) or `tie`.",
            "outcome": "`parsed`, or why there is no verdict that counts.",
            "judge": "The judge.",
            "route": "`asked`, `replayed` or `likelihood` (the stand-in).",
            "n_answer_characters": "Characters of the graded answer as it was shown.",
            "n_tokens_in": "Tokens that the judge read.",
            "n_tokens_out": "Tokens that it wrote.",
        },
        source=("wildpaper.evaluate.judging.judgments", "JUDGMENTS"),
    ),
    Table(
        "evaluate/likelihood-scores.parquet", ("judge_likelihood",),
        "One row a model and held-out conversation: sums over its replies.",
        {
            "model": "Model of the run.",
            "conversation_id": "Held-out conversation.",
            "n_tokens": "Tokens of the replies, without end tokens.",
            **_LOSS,
            "n_characters": "Characters of the replies.",
        },
        source=("wildpaper.evaluate.scores", "SCORES"),
    ),
    Table(
        "evaluate/likelihood-verdicts.parquet", ("judge_likelihood",),
        "One row a pair of models and held-out conversation.",
        {
            "first": "First model.",
            "second": "Model that it is compared with.",
            "conversation_id": "Held-out conversation.",
            "verdict": "`win`, `tie` or `loss` of the first model.",
        },
        source=("wildpaper.evaluate.scores", "VERDICTS"),
    ),
)  # fmt: skip
"""Training and evaluation."""

LONG_TABLE = Table(
    "measure/<artifact>.csv, present/tables/<id>.csv",
    (),
    "One line a value, unrounded; written by the rule that `data/artifacts.yaml` names.",
    {
        "row": "Row of the table, as a slug.",
        "column": "Column of the table, as a slug.",
        "value": "The value; empty where the data cannot give it.",
        "ci_low": "Lower end of the 95 % interval, where one is computed.",
        "ci_high": "Upper end of the interval.",
        "n": "Units that the value is taken over.",
        "unit": "Unit, in words.",
        "claim": "Id of the claim that it answers; may be empty.",
        "route": "`computed`, `recorded`, `replayed`, `restored` or `simulated`.",
    },
)
"""The long form of all measured tables; a CSV has no Arrow schema."""

JSON_FILES = (
    JsonFile("acquired", ("data/raw/<data set>/<version>/acquired.json",),
             ("link_dataset", "download_dataset", "fetch_dataset", "simulate_study",
              "link_raw_logs", "assemble_release")),
    JsonFile("ingest-report", ("ingest/<data set>/report.json",), ("ingest_dataset",)),
    JsonFile("ledger", ("ledger.json", "<stage>/…/ledger.json"),
             ("link_calls", "assemble_release", "ingest_dataset", "prepare_training",
              "merge_ledgers")),
    JsonFile("annotator-errors", ("annotate/annotator-errors.json",), ("assess_annotators",)),
    JsonFile("linking-truth", ("release/linking-truth.json",), ("assess_linking",)),
    JsonFile("redaction-truth", ("release/redaction-truth.json",), ("assess_redaction",)),
    JsonFile("leaks", ("release/leaks.json", "publish/leaks.json"),
             ("scan_release", "scan_results")),
    JsonFile("claims", ("publish/claims.json",), ("write_claims",)),
    JsonFile("manifest", ("publish/manifest.json",), ("manifest",)),
    JsonFile("restored", ("publish/restored.json",), ("check_restored",)),
)  # fmt: skip
"""All JSON files that have a schema in data/schemas/."""
