"""Models whose probabilities are known on paper, and what examples for them look like."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from wildpaper.train.splitting import Example

VOCABULARY = 50
END = 2


def save_unigram(folder, probabilities, vocabulary=VOCABULARY):
    """Save a model that gives every token the same probability wherever it stands."""
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary, num_attention_heads=1, tie_word_embeddings=False,
            eos_token_id=END, **shape,
        )
    )  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.model.embed_tokens.weight.fill_(1.0)
        model.model.norm.weight.fill_(1.0)
        # the last hidden state is a row of ones, so a row of the head sums to the logit
        logits = torch.log(torch.tensor(probabilities, dtype=torch.float64))
        model.lm_head.weight.copy_((logits / 8)[:, None].expand(-1, 8))
    model.save_pretrained(folder)
    return folder / "model.safetensors"


def probabilities(**some):
    """Return a distribution in which some tokens have a given probability, the others share."""
    rest = (1 - sum(some.values())) / (VOCABULARY - len(some))
    return [some.get(f"t{i}", rest) for i in range(VOCABULARY)]


def example(tokens, mask, n_characters):
    made = Example(list(tokens))
    made.supervised = [bool(wanted) for wanted in mask]
    made.n_reply_characters = n_characters
    return made


def write_tokenizer(path):
    """Write a tokenizer of words that knows the borders of the template, and no word."""
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": END}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path))
    return path
