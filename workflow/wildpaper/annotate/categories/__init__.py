"""Categories of first prompts."""
