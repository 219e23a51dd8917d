"""Language models behind an interface of chat completions."""
