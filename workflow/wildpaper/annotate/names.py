"""Names that labels and those who read them share."""

NO_LANGUAGE = "Nolang"
"""Label of a text that is blank or shows no language."""

PUBLISHED_DETOXIFY = ("original", "unbiased", "multilingual")
"""Models that Detoxify publishes, as the configuration names them."""
