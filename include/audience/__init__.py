"""E-mail audience segmentation: from source systems to consented segments in the e-mail platform.

The rooms, in the order data walks through them, are described in `docs/architecture.md`. Stage rooms never import
one another: they meet in the tables that `audience.core.tables` declares.
"""

__version__ = "0.1.0"
