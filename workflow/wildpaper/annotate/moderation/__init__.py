"""Labels of a moderation interface."""
