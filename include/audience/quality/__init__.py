"""Gates: rows that break their declaration go to quarantine with the reason, tables that fail an audit stay out."""
