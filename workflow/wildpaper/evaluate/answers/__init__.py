"""Answers of models to two-turn questions: generated here, asked for elsewhere, or given."""
