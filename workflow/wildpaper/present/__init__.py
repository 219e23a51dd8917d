"""Present: tables, figures and executed notebooks."""
