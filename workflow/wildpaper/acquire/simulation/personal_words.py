"""Given and family names of invented people; no name ends or begins another."""

GIVEN = (
    "Mara", "Jonas", "Selin", "Tobias", "Ilaria", "Pavel", "Noemi", "Rafael", "Aiko", "Dario",
    "Freya", "Henrik", "Ines", "Karim", "Lucia", "Milan", "Nadia", "Oskar", "Petra", "Samir",
    "Tessa", "Ulrich", "Viola", "Wanda", "Yara", "Anton", "Bianca", "Cyril", "Elena", "Felix",
    "Greta", "Hugo", "Iris", "Jovana", "Klaus", "Laszlo", "Marta", "Nils", "Olga", "Pilar",
    "Agnes", "Bruno", "Cora", "Diego", "Edith", "Fabian", "Gideon", "Hanna", "Isidora", "Joachim",
    "Katrin", "Leopold", "Magnus", "Natalie", "Otto", "Philippa", "Quentin", "Rosalind", "Stefan",
    "Theresa", "Ursula", "Vincent", "Wilhelm", "Yusuf",
)  # fmt: skip
FAMILY = (
    "Lindqvist", "Okonjo", "Ferrante", "Novak", "Haldane", "Moreau", "Castellan", "Brandvold",
    "Tanabe", "Ibarra", "Kowalczyk", "Demir", "Petrosyan", "Quimby", "Rasmussen", "Salvatori",
    "Thorsby", "Umarov", "Vandermeer", "Whitlock", "Yilmaz", "Zimmerli", "Abernathy", "Bellweather",
    "Corrigan", "Dunmore", "Eastwick", "Fairweather", "Grimsby", "Hollister", "Ivanenko", "Janssen",
    "Kettering", "Larkspur", "Merriweather", "Northcott", "Ollivander", "Pemberton", "Ravensworth",
    "Stellanova", "Ashdown", "Birkeland", "Carmichael", "Delacroix", "Ellingsen", "Fitzwilliam",
    "Gallagher", "Hargreaves", "Isaksen", "Jablonski", "Killigrew", "Longworth", "Montague",
    "Nightingale", "Oppenheimer", "Papadakis", "Rutherford", "Sorensen", "Trevelyan", "Underwood",
    "Valentini", "Weatherby", "Yamashita", "Zielinski",
)  # fmt: skip
