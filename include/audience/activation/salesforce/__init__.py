"""Marketing Cloud's ways: SOAP messages, tokens, codes, rows. `destinations/marketing_cloud.py` is the platform."""
