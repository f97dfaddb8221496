"""Studies: one file = one study; plain functions from footprints to columns.

A study never knows a venue. Each file has a ``Params`` struct, whose Meta gives range and choices, and a function
that computes it.
"""
