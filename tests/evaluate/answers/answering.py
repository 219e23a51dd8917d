"""Questions, a small tokenizer and a random model, for the tests of answers."""

import json

import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from wildpaper.evaluate.questions import CATEGORIES, Question

ASSISTANT_STARTS, ENDS = "<|im_start|>", "<|im_end|>"


def questions_of(n, long=0):
    """Return questions of all categories in turn and of growing length."""
    return [
        Question(81 + i, CATEGORIES[i % len(CATEGORIES)],
                 (f"say {'ka ' * (3 * i % 11 + long)}{i}", f"and then {i}?"))
        for i in range(n)
    ]  # fmt: skip


def write_questions(path, questions):
    lines = [{"question_id": one.question_id, "category": one.category, "turns": list(one.turns)}
             for one in questions]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_bytes_tokenizer(path):
    """Write a tokenizer with a piece for each byte and two that no text becomes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = {piece: i for i, piece in enumerate([ASSISTANT_STARTS, ENDS, "<pad>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=pieces, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path))
    return path


def random_model(n_vocabulary=259, seed=0, n_positions=512, end_id=1):
    """Return a model with weights large enough for its choices to be clear and varied."""
    torch.manual_seed(seed)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=n_vocabulary, num_attention_heads=2, max_position_embeddings=n_positions,
            bos_token_id=0, eos_token_id=end_id, pad_token_id=2, **shape,
        )
    )  # fmt: skip
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(6 if weights.dim() > 1 else 1)
    return model.eval()


def write_world(folder, n_questions=9, **shape):
    """Write questions, tokenizer, recipe and model; return what `answer_questions` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    random_model(**shape).save_pretrained(folder / "model")
    recipe = {
        "name": "chat", "title": "for tests", "base": "somewhere/else",
        "models": {"one": {"title": "One", "dataset": "wildchat"}},
        "data": {"template": "chatml", "tokenizer": "base", "max_length": 512},
        "optimiser": {"learning_rate": 0.1, "schedule": "cosine", "batch": 1,
                      "micro_batch_tokens": 512, "max_tokens": 512},
    }  # fmt: skip
    (folder / "chat.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return {
        "questions": write_questions(folder / "question.jsonl", questions_of(n_questions)),
        "model": folder / "model" / "model.safetensors",
        "recipe": folder / "chat.yaml",
        "tokenizer": write_bytes_tokenizer(folder / "tokenizer.json"),
        "model_name": "random", "seed": 3, "max_new_tokens": 24, "batch": 4,
    }  # fmt: skip
