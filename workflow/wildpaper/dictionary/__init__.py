"""The dictionary of all data, generated from the schemas and from what their columns mean.

What columns mean stands here and not in the schemas, so that a better wording runs nothing anew.
"""
