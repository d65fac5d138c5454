"""Names of people who are made up by chance, in tests of similar records."""

FIRST = ["Ana", "Bruno", "Chloé", "Denis", "Elise", "Fabien", "Gaëlle", "Hugo", "Inès", "Jules", "Karine", "Louis"]
LAST = [
    "Martin",
    "Bernard",
    "Petit",
    "Durand",
    "Leroy",
    "Moreau",
    "Simon",
    "Laurent",
    "Roux",
    "Girard",
    "Bonnet",
    "Faure",
]
