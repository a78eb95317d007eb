"""English, German and French against sentences written by hand."""

import pytest

from t2tlite.problems.sample_world import captioning, english, french, german
from t2tlite.problems.sample_world.pictures import Picture, Thing
from t2tlite.problems.sample_world.scene import Clause, Entity


def the(noun, *adjectives, **more):
    return Entity(noun, "the", adjectives=adjectives, **more)


def a(noun, *adjectives, **more):
    return Entity(noun, "a", adjectives=adjectives, **more)


HE, SHE, THEY = Entity(determiner="he"), Entity(determiner="she"), Entity(determiner="they")
HIM, THEM = Entity(determiner="him"), Entity(determiner="them")
MY_CAT = Entity("cat", "my")

CASES = [
    # Gender, and adjectives before and after the noun.
    (
        Clause("see", the("man", "old"), the("dog", "small", "black")),
        "The old man sees the small black dog.",
        "Der alte Mann sieht den kleinen schwarzen Hund.",
        "Le vieil homme voit le petit chien noir.",
    ),
    (
        Clause("find", a("girl", "sad"), a("key", "new"), past=True),
        "A sad girl found a new key.",
        "Ein trauriges Mädchen hat einen neuen Schlüssel gefunden.",
        "Une fille triste a trouvé une nouvelle clé.",
    ),
    (
        Clause("be", Entity("apple", "this"), adjective="green"),
        "This apple is green.",
        "Dieser Apfel ist grün.",
        "Cette pomme est verte.",
    ),
    (
        Clause("be", Entity("tree", "this", adjectives=("beautiful",)), adjective="old"),
        "This beautiful tree is old.",
        "Dieser schöne Baum ist alt.",
        "Ce bel arbre est vieux.",
    ),
    # Number: strong endings after a number, weak after the article.
    (
        Clause("buy", the("woman", plural=True), Entity("book", "three", True, ("blue",))),
        "The women are buying three blue books.",
        "Die Frauen kaufen drei blaue Bücher.",
        "Les femmes achètent trois livres bleus.",
    ),
    (
        Clause("help", Entity("child", "many", True), Entity("bird", "two", True, ("young",)), past=True),
        "A lot of children helped two young birds.",
        "Viele Kinder haben zwei jungen Vögeln geholfen.",
        "Beaucoup d'enfants ont aidé deux jeunes oiseaux.",
    ),
    # Dative, contraction, elision.
    (
        Clause("give", the("boy"), a("letter"), the("woman", "old")),
        "The boy is giving the old woman a letter.",
        "Der Junge gibt der alten Frau einen Brief.",
        "Le garçon donne une lettre à la vieille femme.",
    ),
    (
        Clause("show", SHE, MY_CAT, the("child", plural=True), past=True),
        "She showed the children my cat.",
        "Sie hat den Kindern meine Katze gezeigt.",
        "Elle a montré mon chat aux enfants.",
    ),
    (
        Clause("go", the("queen"), place=("to", the("school")), past=True),
        "The queen went to the school.",
        "Die Königin ist zur Schule gegangen.",
        "La reine est allée à l'école.",
    ),
    (
        Clause("go", THEY, place=("to", the("garden"))),
        "They are going to the garden.",
        "Sie gehen zum Garten.",
        "Ils vont au jardin.",
    ),
    (
        Clause("come", the("girl", plural=True), place=("out of", the("house", plural=True)), past=True),
        "The girls came out of the houses.",
        "Die Mädchen sind aus den Häusern gekommen.",
        "Les filles sont venues des maisons.",
    ),
    (
        Clause("run", the("horse"), place=("into", the("hospital")), manner="quickly"),
        "The horse is running into the hospital quickly.",
        "Das Pferd läuft schnell ins Krankenhaus.",
        "Le cheval court rapidement dans l'hôpital.",
    ),
    (
        Clause("sleep", the("bear"), place=("next to", the("train station"))),
        "The bear is sleeping next to the train station.",
        "Der Bär schläft neben dem Bahnhof.",
        "L'ours dort à côté de la gare.",
    ),
    # The weak declension, the genitive, the owner behind the noun.
    (
        Clause("see", HE, Entity("dog", "the", owner=the("boy"))),
        "He sees the boy's dog.",
        "Er sieht den Hund des Jungen.",
        "Il voit le chien du garçon.",
    ),
    (
        Clause("wait", the("bus driver"), place=("without", the("bear"))),
        "The bus driver is waiting without the bear.",
        "Der Busfahrer wartet ohne den Bären.",
        "Le chauffeur attend sans l'ours.",
    ),
    (
        Clause("hear", the("teacher"), Entity("bird", "the", True, owner=Entity("king", "my")), past=True),
        "The teacher heard my king's birds.",
        "Der Lehrer hat die Vögel meines Königs gehört.",
        "Le professeur a entendu les oiseaux de mon roi.",
    ),
    # Negation.
    (
        Clause("find", the("man"), a("ball"), negated=True),
        "The man does not find a ball.",
        "Der Mann findet keinen Ball.",
        "L'homme ne trouve pas de ballon.",
    ),
    (
        Clause("help", the("dog"), the("cat"), negated=True, past=True),
        "The dog did not help the cat.",
        "Der Hund hat der Katze nicht geholfen.",
        "Le chien n'a pas aidé le chat.",
    ),
    # Verb second after a time, verb last with participle, infinitive and separable verbs.
    (
        Clause("sleep", the("dog"), time="today"),
        "Today the dog is sleeping.",
        "Heute schläft der Hund.",
        "Aujourd'hui le chien dort.",
    ),
    (
        Clause("open", SHE, the("school bag"), time="last week", past=True),
        "She opened the school bag last week.",
        "Letzte Woche hat sie die Schultasche aufgemacht.",
        "La semaine dernière elle a ouvert le cartable.",
    ),
    (
        Clause("pick", the("child"), the("hat"), frequency="often"),
        "The child often picks up the hat.",
        "Das Kind hebt oft den Hut auf.",
        "L'enfant ramasse souvent le chapeau.",
    ),
    (
        Clause("call", the("king"), a("police officer"), modal="going"),
        "The king is going to call a police officer.",
        "Der König wird einen Polizisten anrufen.",
        "Le roi va appeler un policier.",
    ),
    (
        Clause("think", the("woman"), complement=Clause("close", HE, the("book"), past=True)),
        "The woman thinks he closed the book.",
        "Die Frau glaubt, dass er das Buch zugemacht hat.",
        "La femme pense qu'il a fermé le livre.",
    ),
    (
        Clause("be", the("girl"), adjective="happy", reason=Clause("sing", a("bird"))),
        "The girl is happy because a bird is singing.",
        "Das Mädchen ist glücklich, weil ein Vogel singt.",
        "La fille est heureuse parce qu'un oiseau chante.",
    ),
    # Questions.
    (
        Clause("see", HE, THEM, question=True, past=True),
        "Did he see them?",
        "Hat er sie gesehen?",
        "Est-ce qu'il les a vus ?",
    ),
    (
        Clause("look", the("queen"), HIM, question=True),
        "Is the queen looking for him?",
        "Sucht die Königin ihn?",
        "Est-ce que la reine le cherche ?",
    ),
    # Pronouns.
    (
        Clause("sell", THEY, the("boat"), HIM, modal="want"),
        "They want to sell him the boat.",
        "Sie wollen ihm das Boot verkaufen.",
        "Ils veulent lui vendre le bateau.",
    ),
    (
        Clause("help", the("boy"), HIM, negated=True, past=True),
        "The boy did not help him.",
        "Der Junge hat ihm nicht geholfen.",
        "Le garçon ne l'a pas aidé.",
    ),
    # What is liked is the subject elsewhere.
    (
        Clause("like", the("man", plural=True), the("house", "white"), past=True),
        "The men liked the white house.",
        "Das weiße Haus hat den Männern gefallen.",
        "La maison blanche a plu aux hommes.",
    ),
    (
        Clause("like", HE, Entity("picture", "this", True)),
        "He likes these pictures.",
        "Diese Bilder gefallen ihm.",
        "Ces images lui plaisent.",
    ),
    # Relative clauses.
    (
        Clause("be", Entity("woman", relative=Clause("find", None, the("key"))), adjective="tired"),
        "The woman who finds the key is tired.",
        "Die Frau, die den Schlüssel findet, ist müde.",
        "La femme qui trouve la clé est fatiguée.",
    ),
    (
        Clause("be", Entity("table", relative=Clause("buy", the("king"))), adjective="small"),
        "The table that the king is buying is small.",
        "Der Tisch, den der König kauft, ist klein.",
        "La table que le roi achète est petite.",
    ),
    # There is.
    (
        Clause("exist", a("chair", "red"), place=("in", the("swimming pool"))),
        "There is a red chair in the swimming pool.",
        "Im Schwimmbad ist ein roter Stuhl.",
        "Dans la piscine il y a une chaise rouge.",
    ),
    (
        Clause(
            "exist", Entity("mushroom", "five", True), place=("in front of", the("apple tree")), past=True
        ),
        "There were five mushrooms in front of the apple tree.",
        "Vor dem Apfelbaum waren fünf Pilze.",
        "Devant le pommier il y avait cinq champignons.",
    ),
    # Two subjects.
    (
        Clause("be", the("cat", other=the("woman")), adjective="beautiful"),
        "The cat and the woman are beautiful.",
        "Die Katze und die Frau sind schön.",
        "Le chat et la femme sont beaux.",
    ),
]


@pytest.mark.parametrize(
    "clause,english_text,german_text,french_text", CASES, ids=[case[1] for case in CASES]
)
def test_sentence(clause, english_text, german_text, french_text):
    assert english.sentence(clause) == english_text
    assert german.sentence(clause) == german_text
    assert french.sentence(clause) == french_text


def test_a_picture_in_three_languages():
    picture = Picture("sand", Thing("house", "red", 34, 20, 20), Thing("key", "black", 20, 50, 50), "left of")
    clause = captioning.sentence(picture)
    assert english.sentence(clause) == "There is a big red house left of a small black key."
    assert german.sentence(clause) == "Links von einem kleinen schwarzen Schlüssel ist ein großes rotes Haus."
    assert french.sentence(clause) == "À gauche d'une petite clé noire il y a une grande maison rouge."
