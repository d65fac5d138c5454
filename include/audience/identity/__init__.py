"""Who is one person: exact matching of keyed values, one stable pseudonym per person, one golden record."""
