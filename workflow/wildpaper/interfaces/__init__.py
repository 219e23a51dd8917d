"""Interfaces that are asked over the network: where they stand, how fast, with what patience."""
