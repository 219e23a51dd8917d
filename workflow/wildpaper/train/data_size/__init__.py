"""How much data: the same start on growing subsets, at random and by a rule."""
