"""Commands of ``python -m wildpaper``, a module each: `describe` and `run`."""
