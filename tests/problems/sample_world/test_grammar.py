"""English, German and French against sentences written by hand."""

import pytest

from t2tlite.problems.sample_world import captioning, events, french, german
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
        "the old man sees the small black dog .",
        "der alte Mann sieht den kleinen schwarzen Hund .",
        "le vieil homme voit le petit chien noir .",
    ),
    (
        Clause("find", a("girl", "sad"), a("key", "new"), past=True),
        "a sad girl found a new key .",
        "ein trauriges Mädchen hat einen neuen Schlüssel gefunden .",
        "une fille triste a trouvé une nouvelle clé .",
    ),
    (
        Clause("be", Entity("apple", "this"), adjective="green"),
        "this apple is green .",
        "dieser Apfel ist grün .",
        "cette pomme est verte .",
    ),
    (
        Clause("be", Entity("tree", "this", adjectives=("beautiful",)), adjective="old"),
        "this beautiful tree is old .",
        "dieser schöne Baum ist alt .",
        "ce bel arbre est vieux .",
    ),
    # Number: strong endings after a number, weak after the article.
    (
        Clause("buy", the("woman", plural=True), Entity("book", "three", True, ("blue",))),
        "the women are buying three blue books .",
        "die Frauen kaufen drei blaue Bücher .",
        "les femmes achètent trois livres bleus .",
    ),
    (
        Clause("help", Entity("child", "many", True), Entity("bird", "two", True, ("young",)), past=True),
        "a lot of children helped two young birds .",
        "viele Kinder haben zwei jungen Vögeln geholfen .",
        "beaucoup d'enfants ont aidé deux jeunes oiseaux .",
    ),
    # Dative, contraction, elision.
    (
        Clause("give", the("boy"), a("letter"), the("woman", "old")),
        "the boy is giving the old woman a letter .",
        "der Junge gibt der alten Frau einen Brief .",
        "le garçon donne une lettre à la vieille femme .",
    ),
    (
        Clause("show", SHE, MY_CAT, the("child", plural=True), past=True),
        "she showed the children my cat .",
        "sie hat den Kindern meine Katze gezeigt .",
        "elle a montré mon chat aux enfants .",
    ),
    (
        Clause("go", the("queen"), place=("to", the("school")), past=True),
        "the queen went to the school .",
        "die Königin ist zur Schule gegangen .",
        "la reine est allée à l'école .",
    ),
    (
        Clause("go", THEY, place=("to", the("garden"))),
        "they are going to the garden .",
        "sie gehen zum Garten .",
        "ils vont au jardin .",
    ),
    (
        Clause("come", the("girl", plural=True), place=("out of", the("house", plural=True)), past=True),
        "the girls came out of the houses .",
        "die Mädchen sind aus den Häusern gekommen .",
        "les filles sont venues des maisons .",
    ),
    (
        Clause("run", the("horse"), place=("into", the("hospital")), manner="quickly"),
        "the horse is running into the hospital quickly .",
        "das Pferd läuft schnell ins Krankenhaus .",
        "le cheval court rapidement dans l'hôpital .",
    ),
    (
        Clause("sleep", the("bear"), place=("next to", the("train station"))),
        "the bear is sleeping next to the train station .",
        "der Bär schläft neben dem Bahnhof .",
        "l'ours dort à côté de la gare .",
    ),
    # The weak declension, the genitive, the owner behind the noun.
    (
        Clause("see", HE, Entity("dog", "the", owner=the("boy"))),
        "he sees the boy 's dog .",
        "er sieht den Hund des Jungen .",
        "il voit le chien du garçon .",
    ),
    (
        Clause("wait", the("bus driver"), place=("without", the("bear"))),
        "the bus driver is waiting without the bear .",
        "der Busfahrer wartet ohne den Bären .",
        "le chauffeur attend sans l'ours .",
    ),
    (
        Clause("hear", the("teacher"), Entity("bird", "the", True, owner=Entity("king", "my")), past=True),
        "the teacher heard my king 's birds .",
        "der Lehrer hat die Vögel meines Königs gehört .",
        "le professeur a entendu les oiseaux de mon roi .",
    ),
    # Negation.
    (
        Clause("find", the("man"), a("ball"), negated=True),
        "the man does not find a ball .",
        "der Mann findet keinen Ball .",
        "l'homme ne trouve pas de ballon .",
    ),
    (
        Clause("help", the("dog"), the("cat"), negated=True, past=True),
        "the dog did not help the cat .",
        "der Hund hat der Katze nicht geholfen .",
        "le chien n'a pas aidé le chat .",
    ),
    # Verb second after a time, verb last with participle, infinitive and separable verbs.
    (
        Clause("sleep", the("dog"), time="today"),
        "today the dog is sleeping .",
        "heute schläft der Hund .",
        "aujourd'hui le chien dort .",
    ),
    (
        Clause("open", SHE, the("school bag"), time="last week", past=True),
        "she opened the school bag last week .",
        "letzte Woche hat sie die Schultasche aufgemacht .",
        "la semaine dernière elle a ouvert le cartable .",
    ),
    (
        Clause("pick", the("child"), the("hat"), frequency="often"),
        "the child often picks up the hat .",
        "das Kind hebt oft den Hut auf .",
        "l'enfant ramasse souvent le chapeau .",
    ),
    (
        Clause("call", the("king"), a("police officer"), modal="going"),
        "the king is going to call a police officer .",
        "der König wird einen Polizisten anrufen .",
        "le roi va appeler un policier .",
    ),
    (
        Clause("think", the("woman"), complement=Clause("close", HE, the("book"), past=True)),
        "the woman thinks he closed the book .",
        "die Frau glaubt , dass er das Buch zugemacht hat .",
        "la femme pense qu'il a fermé le livre .",
    ),
    (
        Clause("be", the("girl"), adjective="happy", reason=Clause("sing", a("bird"))),
        "the girl is happy because a bird is singing .",
        "das Mädchen ist glücklich , weil ein Vogel singt .",
        "la fille est heureuse parce qu'un oiseau chante .",
    ),
    # Questions.
    (
        Clause("see", HE, THEM, question=True, past=True),
        "did he see them ?",
        "hat er sie gesehen ?",
        "est-ce qu'il les a vus ?",
    ),
    (
        Clause("look", the("queen"), HIM, question=True),
        "is the queen looking for him ?",
        "sucht die Königin ihn ?",
        "est-ce que la reine le cherche ?",
    ),
    # Pronouns.
    (
        Clause("sell", THEY, the("boat"), HIM, modal="want"),
        "they want to sell him the boat .",
        "sie wollen ihm das Boot verkaufen .",
        "ils veulent lui vendre le bateau .",
    ),
    (
        Clause("help", the("boy"), HIM, negated=True, past=True),
        "the boy did not help him .",
        "der Junge hat ihm nicht geholfen .",
        "le garçon ne l'a pas aidé .",
    ),
    # What is liked is the subject elsewhere.
    (
        Clause("like", the("man", plural=True), the("house", "white"), past=True),
        "the men liked the white house .",
        "das weiße Haus hat den Männern gefallen .",
        "la maison blanche a plu aux hommes .",
    ),
    (
        Clause("like", HE, Entity("picture", "this", True)),
        "he likes these pictures .",
        "diese Bilder gefallen ihm .",
        "ces images lui plaisent .",
    ),
    # Relative clauses.
    (
        Clause("be", Entity("woman", relative=Clause("find", None, the("key"))), adjective="tired"),
        "the woman who finds the key is tired .",
        "die Frau , die den Schlüssel findet , ist müde .",
        "la femme qui trouve la clé est fatiguée .",
    ),
    (
        Clause("be", Entity("table", relative=Clause("buy", the("king"))), adjective="small"),
        "the table that the king is buying is small .",
        "der Tisch , den der König kauft , ist klein .",
        "la table que le roi achète est petite .",
    ),
    # There is.
    (
        Clause("exist", a("chair", "red"), place=("in", the("swimming pool"))),
        "there is a red chair in the swimming pool .",
        "im Schwimmbad ist ein roter Stuhl .",
        "dans la piscine il y a une chaise rouge .",
    ),
    (
        Clause(
            "exist", Entity("mushroom", "five", True), place=("in front of", the("apple tree")), past=True
        ),
        "there were five mushrooms in front of the apple tree .",
        "vor dem Apfelbaum waren fünf Pilze .",
        "devant le pommier il y avait cinq champignons .",
    ),
    # Two subjects.
    (
        Clause("be", the("cat", other=the("woman")), adjective="beautiful"),
        "the cat and the woman are beautiful .",
        "die Katze und die Frau sind schön .",
        "le chat et la femme sont beaux .",
    ),
]


@pytest.mark.parametrize("clause,english,german_text,french_text", CASES, ids=[case[1] for case in CASES])
def test_sentence(clause, english, german_text, french_text):
    assert events.english_sentence(clause) == english
    assert german.sentence(clause) == german_text
    assert french.sentence(clause) == french_text


def test_a_picture_in_three_languages():
    picture = Picture("sand", Thing("house", "red", 34, 20, 20), Thing("key", "black", 20, 50, 50), "left of")
    clause = captioning.sentence(picture)
    assert events.english_sentence(clause) == "there is a big red house left of a small black key ."
    assert (
        german.sentence(clause) == "links von einem kleinen schwarzen Schlüssel ist ein großes rotes Haus ."
    )
    assert french.sentence(clause) == "à gauche d'une petite clé noire il y a une grande maison rouge ."
