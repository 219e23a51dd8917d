"""The library behind the wildpaper workflow: plain typed functions, no Snakemake in it."""
