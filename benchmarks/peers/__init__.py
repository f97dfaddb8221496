"""What the promises are measured against: a fixed C kernel, polars, pandas."""
