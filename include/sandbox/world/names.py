"""First names, last names and places the invented people draw from. Real words, no real persons."""

from __future__ import annotations

FIRST_NAMES: dict[tuple[str, str], str] = {
    # (culture, sex): names between blanks
    ("FR", "f"): """
        Marie Camille Élodie Chloé Léa Manon Inès Jeanne Zoé Amélie Hélène Aurélie Sophie Julie Céline Noémie
        Anaïs Maëlle Océane Margaux Valérie Sandrine Brigitte Geneviève Thérèse Françoise Agnès Solène Lucie
        Pauline Clémence Élise Mathilde Louise Nathalie Béatrice Joëlle Régine Anne-Laure Marie-Claude
    """,
    ("FR", "m"): """
        Jean Pierre Michel François Loïc Benoît Jérôme Rémi Théo Hugo Lucas Gaël Cédric Stéphane Frédéric
        Grégory Aurélien Noël Joël Raphaël Étienne André René Gérard Côme Félix Maxime Antoine Julien Nicolas
        Olivier Thibault Yann Quentin Bastien Émile Léon Jean-Luc Jean-Marc Hervé
    """,
    ("DE", "f"): """
        Anna Lena Jutta Sabine Käthe Bärbel Ursula Heike Petra Claudia Monika Birgit Greta Mila Frieda Ida
        Johanna Charlotte Anneliese Dörte Gudrun Ingrid Karin Silke Ute Antje Katharina Marlene Rosalie Svenja
    """,
    ("DE", "m"): """
        Jürgen Günter Jörg Björn Götz Sören Lukas Finn Jonas Felix Paul Matthias Stefan Thomas Uwe Klaus Dieter
        Heinz Wolfgang Manfred Rüdiger Volker Torsten Kai Jannik Moritz Emil Anton Kurt Ulrich
    """,
    ("EN", "f"): """
        Emma Olivia Amelia Isla Grace Lily Charlotte Harriet Victoria Hannah Rebecca Laura Rachel Fiona Heather
        Zoë Chloe Megan Alice Eleanor Margaret Dorothy Susan Karen Joanne Tracy Siobhan Imogen Beatrice Florence
    """,
    ("EN", "m"): """
        Oliver George Harry Jack Noah Arthur Thomas William James Edward Henry Charles Daniel Samuel Matthew
        Stephen Andrew Graham Keith Nigel Trevor Liam Callum Ewan Duncan Alistair Simon Gareth Dylan Rhys
    """,
    ("ES", "f"): """
        María Lucía Sofía Martina Paula Valeria Inés Begoña Concepción Ángela Mónica Verónica Raquel Belén Rocío
        Nuria Pilar Carmen Dolores Esperanza Ainhoa Lourdes Marta Irene Noelia Silvia Rosalía Aitana Elena
        Beatriz
    """,
    ("ES", "m"): """
        José Andrés Íñigo Álvaro Martín Adrián Rubén Óscar Iván Ángel Jesús Ramón Tomás Nicolás Sebastián
        Joaquín Raúl Hugo Mateo Pablo Javier Sergio Fernando Manuel Diego Carlos Alejandro Víctor Germán Julián
    """,
}

LAST_NAMES: dict[str, str] = {
    "FR": """
        Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux
        David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Müller Lefebvre
        Faure André Mercier Blanc Guérin Boyer Garnier Chevalier François Legrand Gauthier Garcia Perrin Robin
        Clément Morin Nicolas Henry Roussel Mathieu Gautier Masson Marchand Duval Denis Dumont Marie Lemaire
        Noël Meyer Dufour Meunier Brun Blanchard Giraud Joly Rivière Lucas Brunet Gaillard Barbier Arnaud
        Martínez Gérard Roche Renard Schmitt Roy Leroux Colin Vidal Caron Picard Roger Fabre Aubert Lemoine
        Renaud Dumas Lacroix Olivier Philippe Bourgeois Pierre Benoît Rey Leclerc Payet Rolland Leclercq
        Guillaume Lecomte Lopez Jean Dupuy Guillot Hubert Berger Carpentier Sánchez Dupuis Moulin Louis
        Deschamps Huet Vasseur Perez Boucher Fleury Royer Klein Jacquet Adam Paris Poirier Marty Aubry Guyot
        Carré Charles Renault Charpentier Ménard Maillard Baron Bertin Bailly Hervé Schneider Fernández Le-Gall
        Collet Léger Bouvier Julien Prévost Millet Perrot Daniel Le-Roux Cousin Germain Breton Besson Langlois
        Rémy Le-Goff Pelletier Lévêque Perrier Leblanc Barré Lebrun Marchal Weber Mallet Hamon Boulanger Jacob
        Monnier Michaud Rodríguez Guichard
    """,
    "DE": """
        Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter
        Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause
        Meier Lehmann Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung
        Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke
        Albrecht Groß Jäger Böhm Voß Größer Förster
    """,
    "EN": """
        Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker
        White Roberts Green Hall Wood Jackson Clarke Hughes Edwards Hill Moore Harris Cooper Ward Turner Morris
        King Baker Harrison Morgan Allen James Scott Phillips Watson Parker Price Bennett Young Griffiths
        Mitchell Kelly Cook Carter O'Brien O'Connor Murphy Fraser Campbell Stewart Reid Murray
    """,
    "ES": """
        García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández
        Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez
        Serrano Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina
        Garrido Cortés Castillo Santos Lozano Guerrero Cano Prieto Méndez Cruz Calvo Gallego Vidal León Peña
        Ibáñez
    """,
}

PLACES: tuple[tuple[str, str, str, int], ...] = (
    # country, city, postal code, weight
    ("FR", "Paris", "75011", 9), ("FR", "Paris", "75015", 7), ("FR", "Paris", "75018", 5),
    ("FR", "Lyon", "69003", 6), ("FR", "Lyon", "69007", 3), ("FR", "Marseille", "13008", 5),
    ("FR", "Toulouse", "31000", 5), ("FR", "Nice", "06000", 3), ("FR", "Nantes", "44000", 4),
    ("FR", "Montpellier", "34000", 3), ("FR", "Strasbourg", "67000", 4), ("FR", "Bordeaux", "33000", 4),
    ("FR", "Lille", "59000", 4), ("FR", "Rennes", "35000", 3), ("FR", "Reims", "51100", 1),
    ("FR", "Saint-Étienne", "42000", 1), ("FR", "Grenoble", "38000", 2), ("FR", "Dijon", "21000", 1),
    ("FR", "Angers", "49000", 1), ("FR", "Nîmes", "30000", 1), ("FR", "Besançon", "25000", 1),
    ("FR", "Orléans", "45000", 1), ("FR", "Brest", "29200", 1), ("FR", "Bourg-en-Bresse", "01000", 1),
    ("FR", "L'Haÿ-les-Roses", "94240", 1), ("FR", "Ajaccio", "20000", 1),
    ("BE", "Bruxelles", "1000", 3), ("BE", "Liège", "4000", 2), ("BE", "Namur", "5000", 1), ("BE", "Gent", "9000", 1),
    ("DE", "München", "80331", 2), ("DE", "Köln", "50667", 2), ("DE", "Berlin", "10115", 1),
    ("DE", "Dresden", "01067", 1),
    ("AT", "Wien", "1010", 2), ("AT", "Graz", "8010", 1), ("AT", "Sankt Pölten", "3100", 1),
    ("ES", "Madrid", "28013", 2), ("ES", "Málaga", "29001", 1), ("ES", "A Coruña", "15001", 1),
)  # fmt: skip

CULTURE_OF_COUNTRY: dict[str, str] = {
    # drawn evenly: the mix of names found in the country
    "FR": "FR FR FR FR FR FR FR FR FR FR FR FR FR FR FR DE EN EN ES ES",
    "BE": "FR FR FR FR FR FR FR DE EN EN",
    "DE": "DE DE DE DE DE DE DE DE FR EN",
    "AT": "DE DE DE DE DE DE DE DE DE ES",
    "ES": "ES ES ES ES ES ES ES ES FR EN",
}

FIRST_DOMAINS: tuple[str, ...] = ("mailbox.example", "courrier.example", "post.example")
"""Domains of the address a person uses most. RFC 2606 reserves `.example`: nothing can ever be delivered there."""

OTHER_DOMAINS: tuple[str, ...] = ("webpost.example", "correo.example")
"""Domains of a person's second address: kept apart, so that no two persons share an address by accident."""
