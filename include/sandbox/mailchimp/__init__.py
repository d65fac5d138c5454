"""A Mailchimp account with one audience, as far as its Marketing API 3.0 is used here."""
