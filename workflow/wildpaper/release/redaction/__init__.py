"""Personal information and keys: found, judged by rules that are data, replaced."""
