"""The coverage matrix (Figure 3): models of the first prompts of each data set."""
