"""Labels of a moderation interface: stored answers, and asking for those that are not stored."""
