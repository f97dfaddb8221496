"""Exchanges and vendors: one file = one venue; what their frames mean, never how they are fetched."""
