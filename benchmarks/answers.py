"""Answers a minute to two-turn questions: ours beside `generate`, prompt by prompt.

    python benchmarks/answers.py [--questions 16] [--max-new-tokens 64] [--write] [--check]

Both contenders answer the same questions of MT-bench with one model at temperature 0, in float32
on a CPU (bf16 with `--device cuda`), from the same prompts:

- ours: several questions at a time, each prompt read by itself, so that nothing is calculated
  for filling, and rows that are finished left out (`wildpaper.evaluate.answers`);
- one by one: transformers' `generate`, a call a turn, as FastChat's gen_model_answer.py.

They take turns, batch by batch, so that what else the machine does meets both. The texts must
be the same: the exit status is 1 if one differs in float32. Beside stands what sampling costs us:
the same answers at temperature 0.7, whose random numbers belong to each answer alone.

The model is SmolLM2-135M-Instruct where `make smollm2` has put it, else a Llama of its shape
with random weights, which says little and never ends. Needs torch and transformers; no network.
`--check` runs the same code with a tiny random model on invented questions in a few seconds.
"""

import argparse
import datetime
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Behind the standard library and what is installed: this folder has files of the same names.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
sys.path.append(str(ROOT / "workflow"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

from wildpaper.acquire.base_models import read_base_models  # noqa: E402
from wildpaper.acquire.gguf_model import convert_gguf  # noqa: E402
from wildpaper.evaluate.answers.prompts import TemplatePrompter  # noqa: E402
from wildpaper.evaluate.answers.record import Answer  # noqa: E402
from wildpaper.evaluate.answers.two_turns import Speaker  # noqa: E402
from wildpaper.evaluate.questions import CATEGORIES, Question, read_questions  # noqa: E402
from wildpaper.train.exchange import Message  # noqa: E402
from wildpaper.train.model import load_model, quieten  # noqa: E402
from wildpaper.train.recipe import load_recipe  # noqa: E402
from wildpaper.train.speed import cpu_in_words  # noqa: E402

RAW = ROOT / "data" / "raw"
RECIPE = ROOT / "data" / "recipes" / "smollm2-135m.yaml"
SMOLLM2 = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30}
TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
SEED = 1


@dataclass(slots=True)
class Contender:
    """What one contender took, over all questions."""

    title: str
    seconds: float = 0.0
    n_answers: int = 0
    n_tokens: int = 0

    @property
    def answers_a_minute(self) -> float:
        """Answers, a turn each."""
        return 60 * self.n_answers / self.seconds


def write_byte_tokenizer(path: Path) -> Path:
    """Write a tokenizer with a piece a byte, for models of random weights."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = {piece: i for i, piece in enumerate(["<|im_start|>", "<|im_end|>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=pieces, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path))
    return path


def random_model(shape: dict[str, int], n_vocabulary: int, n_heads: int) -> Any:
    """Return a Llama with weights large enough for its choices not to be near-ties."""
    torch.manual_seed(SEED)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            **shape, vocab_size=n_vocabulary, num_attention_heads=n_heads,
            num_key_value_heads=max(n_heads // 3, 1), max_position_embeddings=8192,
            tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        )
    )  # fmt: skip
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(3.0 if weights.dim() > 1 else 1.0)
    return model


def find_model(arguments: argparse.Namespace, scratch: Path) -> tuple[str, Any, Path]:
    """Return what the model is, the model, and its tokenizer."""
    if arguments.check:
        path = write_byte_tokenizer(scratch / "tokenizer.json")
        return "a tiny Llama with random weights", random_model(TINY, 258, 2), path
    entry = read_base_models(ROOT / "data" / "models.yaml")[0]
    folder = arguments.model or RAW / entry.folder
    if (folder / "model.safetensors").is_file():
        return entry.title, load_model(str(folder.resolve())), folder / "tokenizer.json"
    if (RAW / entry.file).is_file():
        print(f"converting {entry.file}", flush=True)
        weights, path = scratch / "model.safetensors", scratch / "tokenizer.json"
        convert_gguf(RAW / entry.file, weights, scratch / "config.json", path, entry.sha256)
        return entry.title, load_model(str(scratch)), path
    path = write_byte_tokenizer(scratch / "tokenizer.json")
    title = f"a Llama of the shape of {entry.title} with random weights"
    return title, random_model(SMOLLM2, 49_152, 9), path


def find_questions(arguments: argparse.Namespace) -> tuple[str, list[Question]]:
    """Return what the questions are, and some of them, evenly spaced: of all categories."""
    path = RAW / "mtbench" / "question.jsonl"
    n = arguments.questions
    if arguments.check or not path.is_file():
        made = [
            Question(i, CATEGORIES[i % 8], (f"Say {'more ' * (5 * i % 13)}{i}.", f"And {i}?"))
            for i in range(n)
        ]
        return "invented questions", made
    found = read_questions(path)
    return "questions of MT-bench", [found[i * len(found) // n] for i in range(n)]


def one_by_one(
    model: Any, prompter: TemplatePrompter, question: Question, most: int
) -> tuple[tuple[str, ...], int]:
    """Answer a question with a call of `generate` a turn; return texts and tokens."""
    history: list[Message] = []
    n_tokens = 0
    stops = list(prompter.stop_ids)
    for turn in question.turns:
        history.append(("user", turn))
        ids = torch.tensor([prompter.prompt_ids(history)], device=model.device)
        with torch.inference_mode():
            made = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=most,
                eos_token_id=stops, pad_token_id=stops[0],
            )[0, ids.shape[1] :].tolist()  # fmt: skip
        made = made[:-1] if made[-1] in stops else made
        n_tokens += len(made)
        history.append(("assistant", prompter.decode(made).strip()))
    return tuple(text for role, text in history if role == "assistant"), n_tokens


def clock(device: str) -> float:
    """Return seconds: of this process on a CPU, whatever else the machine does."""
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def compare(
    model: Any, prompter: TemplatePrompter, questions: list[Question], given: argparse.Namespace
) -> tuple[list[Contender], int]:
    """Let the contenders answer in turn; return what they took, and how many texts differ."""
    ours, sampled = Contender("ours"), Contender("ours, sampled at 0.7")
    theirs = Contender("one by one, `generate`")
    cold, warm = (
        Speaker(model, prompter, "it", SEED, given.max_new_tokens, dict.fromkeys(CATEGORIES, t))
        for t in (0.0, 0.7)
    )
    ordered = sorted(questions, key=lambda one: len(one.turns[0]), reverse=True)
    n_other = 0
    for start in range(0, len(ordered), given.batch):
        some = ordered[start : start + given.batch]
        answers = timed(ours, cold, some, given.device)
        for question, answer in zip(some, answers, strict=True):
            before = clock(given.device)
            texts, n_tokens = one_by_one(model, prompter, question, given.max_new_tokens)
            theirs.seconds += clock(given.device) - before
            theirs.n_answers += len(texts)
            theirs.n_tokens += n_tokens
            n_other += sum(a != b for a, b in zip(texts, answer.turns, strict=True))
        timed(sampled, warm, some, given.device)
        print(f"{min(start + given.batch, len(ordered))} of {len(ordered)} questions", flush=True)
    return [theirs, ours, sampled], n_other


def timed(contender: Contender, speaker: Speaker, some: list[Question], on: str) -> list[Answer]:
    """Return answers of ours; add what they took."""
    before, n_before = clock(on), speaker.n_tokens
    answers = speaker.answer(some)
    contender.seconds += clock(on) - before
    contender.n_answers += sum(len(answer.turns) for answer in answers)
    contender.n_tokens += speaker.n_tokens - n_before
    return answers


def table(found: list[Contender]) -> list[str]:
    """Return a table of the contenders, the first of which the others are compared with."""
    lines = [
        "| contender | answers | tokens | seconds | answers/minute | tokens/s | x one by one |",
        "| :-- | --: | --: | --: | --: | --: | --: |",
    ]
    for one in found:
        ratio = one.answers_a_minute / found[0].answers_a_minute
        lines.append(
            f"| {one.title} | {one.n_answers} | {one.n_tokens:,} | {one.seconds:.1f} "
            f"| {one.answers_a_minute:.1f} | {one.n_tokens / one.seconds:.1f} | {ratio:.2f} |"
        )
    return lines


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", type=Path, help="folder with SmolLM2's three files")
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--check", action="store_true", help="tiny model, invented questions")
    parser.add_argument("--write", action="store_true", help="to benchmarks/results")
    given = parser.parse_args()
    if min(given.questions, given.max_new_tokens, given.batch, given.threads) < 1:
        parser.error("--questions, --max-new-tokens, --batch and --threads must be at least 1")
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch finds no GPU")
    return given


def main() -> int:
    """Run the benchmark; return the exit status."""
    given = parse()
    quieten()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        title, model, tokenizer = find_model(given, Path(folder))
        prompter = TemplatePrompter(load_recipe(RECIPE).data, tokenizer)
    about, questions = find_questions(given)
    if given.device == "cuda":
        model = model.to(device="cuda", dtype=torch.bfloat16)
    found, n_other = compare(model.eval(), prompter, questions, given)
    on = torch.cuda.get_device_name(0) if given.device == "cuda" else cpu_in_words(given.threads)
    n_texts = found[0].n_answers
    exact = given.device == "cpu"
    verdict = f"{n_other} of {n_texts} texts differ" + ("" if exact else " (bf16 rounds)")
    lines = [
        "# Answers: ours beside `generate`, prompt by prompt", "",
        f"{on}; torch {torch.__version__}, transformers {transformers.__version__}, Python "
        f"{platform.python_version()}; {datetime.date.today().isoformat()}.", "",
        f"{title}; {len(questions)} {about}, both turns, at most {given.max_new_tokens} tokens an "
        f"answer, {given.batch} questions at a time. Seconds of "
        f"{'the processor' if exact else 'the clock'}.", "",
        *table(found), "",
        f"- {'yes' if n_other == 0 else 'NO'}: the same texts at temperature 0: {verdict}",
    ]  # fmt: skip
    print("\n".join(lines))
    if given.write:
        path = HERE / "results" / f"answers-{given.device}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(exact and n_other > 0)


if __name__ == "__main__":
    sys.exit(main())
