"""Train: conversations to examples, examples to fine-tuned models, by recipe."""
