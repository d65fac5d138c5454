"""The nouns every room shares: partition, table, lake, warehouse, counts, settings, errors."""
