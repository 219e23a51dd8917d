"""Raw calls in, whole conversations of people who agreed out."""
