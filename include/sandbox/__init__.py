"""A demo shop, CRM and e-mail platform as one local HTTP server: `python -m sandbox --state DIR`.

What was bought, received and redeemed is real (completejourney); who the people are is invented, seeded, and
lives under the reserved TLD `.example` only. `audience` never imports this package and this package never
imports `audience`: they meet over HTTP.
"""
